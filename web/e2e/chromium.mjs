// Headless Chromium, with or without a microphone.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'

const always = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** What the browser has for a microphone. */
export const microphone = {
  none: ['--use-fake-ui-for-media-stream'],
  refused: ['--use-fake-device-for-media-stream', '--deny-permission-prompts'],
  /** One that plays a WAV file, once, from the moment it is opened. */
  playing: (file) => [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${file}%noloop`,
  ],
}

/** Launches PARLEY_CHROMIUM, else the chromium of PATH. */
export function launch(...flags) {
  return chromium.launch({ executablePath: installed(), args: [...always, ...flags.flat()] })
}

/** The same on a folder of its own, whose store outlives the browser. Answers with its context. */
export function launchOn(folder, ...flags) {
  return chromium.launchPersistentContext(folder, {
    executablePath: installed(),
    args: [...always, ...flags.flat()],
  })
}

function installed() {
  if (process.env.PARLEY_CHROMIUM) return process.env.PARLEY_CHROMIUM
  const found = process.env.PATH.split(delimiter)
    .map((folder) => join(folder, 'chromium'))
    .find(runs)
  if (!found) throw new Error('no Chromium: set PARLEY_CHROMIUM to one, or run make e2e')
  return found
}

function runs(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
