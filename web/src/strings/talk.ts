// The words of a conversation under way. They come with the conversation itself,
// because nobody needs them before.
import { talkEn } from './talk.en'

export const talk = talkEn
