#!/bin/sh
# Gives OneCall its account, keeps everybody else's, and starts the broker.
set -eu
passwords=/mosquitto/data/passwords
touch "$passwords"
mosquitto_passwd -b "$passwords" onecall "$MQTT_PASSWORD"
printf 'user onecall\ntopic readwrite #\n\npattern read #\n' > /mosquitto/data/rights
chown mosquitto "$passwords" /mosquitto/data/rights
chmod 0600 "$passwords" /mosquitto/data/rights
exec mosquitto -c /mosquitto/config/mosquitto.conf
