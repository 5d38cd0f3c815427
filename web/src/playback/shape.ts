// The waveform: the learner's loudness upwards, the tutor's downwards.
import type { Levels } from './levels'

/** How wide a bar is with the gap beside it, and how high the whole, in px. */
export const bar = { pitch: 3, width: 2, height: 56 }

/** The loudest of each of `columns` equal parts of the duration, from 0 to 1. */
export function peaks(values: Uint8Array, spanMs: number, durationMs: number, columns: number): number[] {
  const share = durationMs / spanMs / columns
  return Array.from({ length: columns }, (_, column) => {
    const first = Math.floor(column * share)
    const part = values.subarray(first, Math.max(first + 1, Math.floor((column + 1) * share)))
    return part.reduce((most, value) => Math.max(most, value), 0) / 255
  })
}

/** The bars as the data of an SVG path, `width` px wide. */
export function outline(levels: Levels, durationMs: number, width: number): string {
  const columns = Math.floor(width / bar.pitch)
  const side = (values: Uint8Array) => peaks(values, levels.spanMs, durationMs, columns)
  const up = side(levels.learner)
  const down = side(levels.tutor)
  return up.map((peak, column) => drawn(column * bar.pitch, reach(peak), reach(down[column] ?? 0))).join('')
}

// Squared, since loudness in decibels makes all speech look alike; never nothing.
function reach(peak: number): number {
  return Math.max(0.5, Math.round(peak ** 2 * (bar.height / 2) * 10) / 10)
}

function drawn(left: number, up: number, down: number): string {
  return `M${left} ${bar.height / 2 - up}h${bar.width}v${up + down}h-${bar.width}z`
}
