/** What a key does to a recording. */
export type Act = 'toggle' | 'back' | 'forward' | 'previous' | 'next'

const acts = new Map<string, Act>([
  [' ', 'toggle'],
  ['ArrowLeft', 'back'],
  ['ArrowRight', 'forward'],
  ['k', 'previous'],
  ['j', 'next'],
])
/** On a slider these go up and down too, as people expect of one. */
const onSlider = new Map<string, Act>([
  ['ArrowDown', 'back'],
  ['ArrowUp', 'forward'],
])

/**
 * What a pressed key means to the recording; undefined when it is somebody else's, as
 * it is wherever the focus is on nothing that sounds.
 */
export function actOf(event: KeyboardEvent): Act | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return undefined
  const { target, key } = event
  if (!target.closest('[data-sounding]')) return undefined
  if (target.matches('select')) return undefined
  if (target.matches('[type=range]')) return acts.get(key) ?? onSlider.get(key)
  // A button and a box have a use for the space bar themselves, but for the turn that is heard.
  if (key === ' ' && target.matches('button:not([aria-current]), [type=checkbox]')) return undefined
  return acts.get(key)
}
