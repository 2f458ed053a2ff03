import { computed, ref } from 'vue'
import { useDesk } from './desk'

export type TargetKind = 'transfer' | 'consult'

/** Which dialogue of the call bar is open: choosing whom to transfer to, or whom to ask. */
const target = ref<TargetKind | null>(null)

/** What each control of the call bar does now, and whether it can: the buttons and the keys share it. */
export function useControls() {
  const { call, lost, browserPhone, phone, act } = useDesk()
  const phase = computed(() => call.value?.phase)
  const own = computed(() => call.value?.role !== 'expert')
  const talking = computed(() => phase.value === 'talking')
  const advised = computed(() => own.value && (phase.value === 'consulting' || phase.value === 'conference'))
  const heard = computed(() => browserPhone.value && phone.view.legs.some(leg => leg.state === 'live'))
  /** A desk phone is muted at the server, in the conversation that the desk shows. */
  const mutable = computed(() => !browserPhone.value && !lost.value && ['talking', 'hold', 'consulting', 'conference'].includes(phase.value ?? ''))
  const canMute = computed(() => browserPhone.value ? heard.value : own.value && mutable.value)
  const muted = computed(() => browserPhone.value ? phone.view.muted : call.value?.muted ?? false)
  const canHold = computed(() => own.value && !lost.value && (phase.value === 'talking' || phase.value === 'hold'))
  const canKeys = computed(() => browserPhone.value ? heard.value : !lost.value && talking.value)
  const canTransfer = computed(() => own.value && !lost.value && (phase.value === 'talking' || phase.value === 'hold'))
  const canComplete = computed(() => !lost.value && advised.value && call.value?.consult?.state === 'talking')
  const canConference = computed(() => !lost.value && phase.value === 'consulting' && call.value?.consult?.state === 'talking')
  const canRecord = computed(() => own.value && !lost.value && Boolean(call.value?.recording?.on) && (phase.value === 'talking' || phase.value === 'hold'))

  function toggleMute(): void {
    if (!canMute.value) return
    if (browserPhone.value) phone.setMuted(!phone.view.muted)
    else void act(muted.value ? 'call.unmute' : 'call.mute')
  }
  function toggleHold(): void {
    if (canHold.value) void act(phase.value === 'hold' ? 'call.resume' : 'call.hold')
  }
  function toggleRecording(): void {
    if (canRecord.value) void act(call.value?.recording?.paused ? 'call.record_resume' : 'call.record_pause')
  }
  function transfer(): void {
    if (canComplete.value) void act('call.consult_complete')
    else if (canTransfer.value) target.value = 'transfer'
  }
  function consult(): void {
    if (advised.value && !lost.value) void act('call.consult_cancel')
    else if (canTransfer.value) target.value = 'consult'
  }
  function conference(): void {
    if (canConference.value) void act('call.conference')
  }

  return { target, advised, muted, canMute, canHold, canKeys, canTransfer, canComplete, canConference, canRecord, toggleMute, toggleHold, toggleRecording, transfer, consult, conference }
}
