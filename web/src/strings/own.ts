// The words of the pages that somebody opens about herself. They come apart from
// the others, because nobody needs them before the topics are there.
import { ownEn } from './own.en'

export const own = ownEn
