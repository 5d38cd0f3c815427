import type { Segment } from '../api/types'

/** What can honestly be counted in a transcript. */
export type Figures = {
  /** Segments that were said, by either. */
  turns: number
  /** Words the learner said or wrote. Prompted lines are not her words and do not count. */
  words: number
}

/** Counts the words of a text; languages without spaces are counted by the browser's dictionary. */
export function wordCount(text: string, language: string): number {
  const words = new Intl.Segmenter(language, { granularity: 'word' }).segment(text)
  return [...words].filter((part) => part.isWordLike).length
}

export function figures(segments: readonly Segment[], language: string): Figures {
  const own = segments.filter((segment) => segment.speaker === 'learner' && segment.status === 'final')
  return {
    turns: segments.filter((segment) => segment.status !== 'empty').length,
    words: own.reduce((sum, segment) => sum + wordCount(segment.text ?? '', language), 0),
  }
}
