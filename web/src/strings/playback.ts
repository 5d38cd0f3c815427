// The words around a recording. They come with it, because nobody needs them before.
import { length } from '.'
import { playbackEn } from './playback.en'

export const playback = playbackEn

/** What a learner is told of a recording that lacks something, by the notes of who repaired it. */
export function lacks(notes: readonly string[]): string[] {
  const told: string[] = []
  const noted = (name: string) =>
    Number(notes.find((note) => note.startsWith(`${name}=`))?.split('=')[1] ?? 0)
  const [gaps, missing] = [noted('gaps'), noted('missing_ms')]
  const short = noted('ends_before_transcript_ms')
  if (gaps > 0) told.push(playback.gaps(gaps, missing < 1000 ? playback.moment : length(missing)))
  if (short > 0) told.push(playback.short(length(short)))
  else if (noted('missing_bytes') > 0) told.push(playback.cut)
  // Mostly it is why there is a gap or an early end, and those say more.
  const unusable = noted('dropped_bytes') > 0 || noted('dropped_blocks') > 0
  if (unusable && told.length === 0) told.push(playback.unusable)
  return told
}
