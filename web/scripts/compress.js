// Puts a .br and a .gz beside every text asset, so that the server never compresses.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const texts = /\.(html|js|css|svg|json|webmanifest)$/
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }

const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
  (name) => texts.test(name) && !name.startsWith('.vite'),
)
for (const name of files) {
  const content = readFileSync(dist + name)
  writeFileSync(`${dist}${name}.br`, brotliCompressSync(content, brotli))
  writeFileSync(`${dist}${name}.gz`, gzipSync(content, { level: constants.Z_BEST_COMPRESSION }))
}
console.log(`compressed ${files.length} files`)
