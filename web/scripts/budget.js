// Fails when a learner has to load more than 45 KB of gzipped JavaScript
// until the topics are idle, or until practice is ready (each from a cold start).
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const limit = 45 * 1024
const entry = 'index.html'

// What each moment loads besides the entry: the lazily imported modules, by source path.
const topics = ['src/views/Topics.svelte', 'src/views/Kept.svelte', 'src/saving/store.ts']
const moments = { 'topics idle': topics, 'practice ready': [...topics, 'src/views/Practice.svelte'] }

const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, 'utf8'))

function gather(key, files = new Set()) {
  const chunk = manifest[key]
  if (!chunk) throw new Error(`${key} is not in the build; the budget's list is out of date`)
  if (files.has(chunk.file)) return files
  files.add(chunk.file)
  for (const next of chunk.imports ?? []) gather(next, files)
  return files
}

function weigh(file) {
  return gzipSync(readFileSync(dist + file), { level: 9 }).length
}

let over = false
for (const [moment, modules] of Object.entries(moments)) {
  const files = [entry, ...modules].reduce((all, key) => gather(key, all), new Set())
  const bytes = [...files].filter((file) => file.endsWith('.js')).reduce((sum, file) => sum + weigh(file), 0)
  over ||= bytes > limit
  console.log(`${moment}: ${(bytes / 1024).toFixed(1)} KB of ${limit / 1024} KB`)
}
if (over) {
  console.error('The page is heavier than its budget.')
  process.exit(1)
}
