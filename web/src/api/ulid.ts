const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A new ULID: ten characters of time (ms), sixteen of chance. */
export function ulid(now: number, random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string {
  let time = ''
  for (let rest = now; time.length < 10; rest = Math.floor(rest / 32)) {
    time = alphabet.charAt(rest % 32) + time
  }
  const chance = random(new Uint8Array(16))
  return time + Array.from(chance, (byte) => alphabet.charAt(byte % 32)).join('')
}
