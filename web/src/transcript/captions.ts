// Live captions: what the page shows while people talk. A view of the same
// events from which the server makes the record, and nothing more than a view.
import type { Segment } from '../api/types'
import { carriedPrefix, text, type ProviderEvent } from '../call/provider'

/** One turn on screen. */
export type Caption = {
  id: string
  speaker: 'learner' | 'tutor'
  /** `open`: still being said or transcribed. The others as in the record. */
  status: 'open' | 'final' | 'prompted' | 'failed' | 'empty'
  text: string
  interrupted: boolean
}

/** Captions in the order of the conversation. */
export type Captions = readonly Caption[]

type Rule = (captions: Captions, event: ProviderEvent) => Captions

/** Captions after one more event; the same list when the event shows nothing. */
export function captioned(captions: Captions, event: ProviderEvent): Captions {
  return rules.get(event.type)?.(captions, event) ?? captions
}

/** What was said in a session of the past, as far as it was written down. */
export function captionsOf(segments: readonly Segment[]): Captions {
  return segments.flatMap(({ item_id: id, speaker, status, text, interrupted }) =>
    text && (status === 'final' || status === 'prompted') ? [{ id, speaker, status, text, interrupted }] : [],
  )
}

/** Whether a turn still waits for its text. */
export function awaitsText(captions: Captions): boolean {
  return captions.some((caption) => caption.status === 'open')
}

/**
 * Captions after their call broke off: what still waited for its text will get
 * none here, whatever the server learns of it by another way.
 */
export function brokenOff(captions: Captions): Captions {
  if (!awaitsText(captions)) return captions
  return captions.map((caption) => {
    if (caption.status !== 'open') return caption
    if (caption.text === '') return { ...caption, status: caption.speaker === 'tutor' ? 'empty' : 'failed' }
    return { ...caption, status: 'final', interrupted: caption.speaker === 'tutor' }
  })
}

const heard: Rule = (captions, event) =>
  place(captions, { id: text(event, 'item_id'), speaker: 'learner' }, text(event, 'previous_item_id'))

const added: Rule = (captions, event) => {
  const item = event.item
  if (!isMessage(item) || item.id.startsWith(carriedPrefix)) return captions
  const speaker = item.role === 'user' ? 'learner' : 'tutor'
  const placed = place(captions, { id: item.id, speaker }, text(event, 'previous_item_id'))
  const typed = typedText(item.content)
  return typed === '' ? placed : change(placed, item.id, () => ({ status: 'final', text: typed }))
}

const grown =
  (speaker: Caption['speaker']): Rule =>
  (captions, event) => {
    const id = text(event, 'item_id')
    return change(place(captions, { id, speaker }, ''), id, (caption) =>
      caption.status === 'open' ? { text: caption.text + text(event, 'delta') } : {},
    )
  }

const transcribed: Rule = (captions, event) => {
  const id = text(event, 'item_id')
  const words = text(event, 'transcript').trim()
  const status = words === '' ? 'empty' : event.prompted === true ? 'prompted' : 'final'
  return change(place(captions, { id, speaker: 'learner' }, ''), id, () => ({ text: words, status }))
}

const untranscribed: Rule = (captions, event) =>
  change(captions, text(event, 'item_id'), () => ({ status: 'failed' }))

const said: Rule = (captions, event) => {
  const id = text(event, 'item_id')
  const words = (text(event, 'transcript') || text(event, 'text')).trim()
  return change(place(captions, { id, speaker: 'tutor' }, ''), id, () => ({ text: words, status: 'final' }))
}

const truncated: Rule = (captions, event) =>
  change(captions, text(event, 'item_id'), () => ({ interrupted: true, status: 'final' }))

const ruleOf: Record<string, Rule> = {
  'input_audio_buffer.speech_started': heard,
  'input_audio_buffer.committed': heard,
  'conversation.item.added': added,
  'conversation.item.created': added,
  'conversation.item.input_audio_transcription.delta': grown('learner'),
  'conversation.item.input_audio_transcription.completed': transcribed,
  'conversation.item.input_audio_transcription.failed': untranscribed,
  'response.output_audio_transcript.delta': grown('tutor'),
  'response.output_audio_transcript.done': said,
  'response.audio_transcript.delta': grown('tutor'),
  'response.audio_transcript.done': said,
  'response.output_text.delta': grown('tutor'),
  'response.output_text.done': said,
  'response.text.delta': grown('tutor'),
  'response.text.done': said,
  'conversation.item.truncated': truncated,
}

// A map: whatever a provider sends as a type, it finds nothing that is not in the table.
const rules = new Map(Object.entries(ruleOf))

// Puts a turn after its predecessor, or last when that is unknown. A turn that
// is there already moves only when it now learns its predecessor.
function place(captions: Captions, turn: Pick<Caption, 'id' | 'speaker'>, previous: string): Captions {
  const present = captions.find((caption) => caption.id === turn.id)
  if (turn.id === '' || (present && previous === '')) return captions
  const others = captions.filter((caption) => caption.id !== turn.id)
  const after = others.findIndex((caption) => caption.id === previous)
  if (present && after === -1) return captions
  const caption = present ?? { ...turn, status: 'open', text: '', interrupted: false }
  return others.toSpliced(after === -1 ? others.length : after + 1, 0, caption)
}

function change(captions: Captions, id: string, fields: (caption: Caption) => Partial<Caption>): Captions {
  return captions.map((caption) => (caption.id === id ? { ...caption, ...fields(caption) } : caption))
}

type Message = { id: string; role: 'user' | 'assistant'; content: unknown }

function isMessage(item: unknown): item is Message {
  if (typeof item !== 'object' || item === null) return false
  if (!('id' in item) || typeof item.id !== 'string' || !('role' in item)) return false
  return item.role === 'user' || item.role === 'assistant'
}

function typedText(content: unknown): string {
  if (!Array.isArray(content)) return ''
  return content
    .filter((part: unknown) => isPart(part) && part.type === 'input_text')
    .map((part: { text: string }) => part.text)
    .join(' ')
    .trim()
}

function isPart(part: unknown): part is { type: string; text: string } {
  if (typeof part !== 'object' || part === null) return false
  return 'type' in part && 'text' in part && typeof part.text === 'string'
}
