// Empties dist/ but for the placeholder that keeps the Go embed compiling.
import { readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))

for (const name of readdirSync(dist)) {
  if (name !== '.gitkeep') rmSync(dist + name, { recursive: true })
}
