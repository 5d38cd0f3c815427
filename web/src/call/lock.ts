/** The lock that a page holds while it talks in, or saves, a session. */
export function lockOf(session: string): string {
  return `parley.session.${session}`
}
