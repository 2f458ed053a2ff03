"use strict";
const choose = document.querySelector(".choose");
const groups = [...document.querySelectorAll(".plots")];
const show = (queue) => groups.forEach((group) => { group.hidden = group.dataset.queue !== queue; });
if (choose && groups.length > 2) {
  choose.hidden = false;
  choose.querySelector("select").addEventListener("change", (event) => show(event.target.value));
}
show("");
