// What was said is carried into a new call, which begins empty.
import type { Caption, Captions } from '../transcript/captions'
import { carriedPrefix, type ProviderEvent, type Told } from './provider'

/** How many turns are given back one by one; a long row makes the model forget that it can speak. */
export const apart = 8
/** How much of the older ones is given back, in characters: the provider's memory has an end. */
export const longest = 12_000

/** The events that tell a call of this number what was said before it, in order. */
export function carried(captions: Captions, call: number, told?: Told): ProviderEvent[] {
  const said = captions.filter(({ status, text }) => text !== '' && status !== 'failed')
  const older = said.slice(0, -apart)
  const recent = said.slice(-apart)
  const messages = recent.map(({ speaker, text }) =>
    speaker === 'learner' ? user(text) : tutor(text, told?.beta),
  )
  if (older.length > 0) messages.unshift(system(older))
  return messages.map((message, place) => ({
    type: 'conversation.item.create',
    item: { id: `${carriedPrefix}${call}_${place + 1}`, type: 'message', ...message },
  }))
}

/** Whether the tutor owes the next word: nothing was said yet, or the learner's turn has no whole answer. */
export function owesAnswer(captions: Captions): boolean {
  const last = captions.findLast(({ status }) => status !== 'empty')
  return last?.speaker !== 'tutor' || last.status === 'open'
}

function user(text: string) {
  return { role: 'user', content: [{ type: 'input_text', text }] }
}

// What the tutor said can be given back as text only; the provider refuses sound.
function tutor(text: string, beta = false) {
  return { role: 'assistant', content: [{ type: beta ? 'text' : 'output_text', text }] }
}

function system(turns: readonly Caption[]) {
  const said = turns.map(({ speaker, text }) => `${speaker === 'learner' ? 'Learner' : 'Tutor'}: ${text}`)
  const text = `What was said before:\n${said.join('\n').slice(-longest)}`
  return { role: 'system', content: [{ type: 'input_text', text }] }
}
