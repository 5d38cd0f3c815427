// The words for a session that is not saved by itself. They come with the pages
// that show one, because hardly anybody needs them.
import { attentionEn } from './attention.en'

/** What a learner is told of a reason that the server gave. */
export function attention(reason: string): string {
  const { reasons, other } = attentionEn
  return Object.hasOwn(reasons, reason) ? String(reasons[reason]) : other + reason
}
