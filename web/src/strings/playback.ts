// The words around a recording. They come with it, because nobody needs them before.
import { playbackEn } from './playback.en'

export const playback = playbackEn
