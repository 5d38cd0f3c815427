// All words of the page come from here. To translate: write the object of
// en.ts in another language and choose it below.
import type { ProblemCode } from '../api/problem'
import { en } from './en'

/** Words of a page's own for some refusals. */
export type ProblemWords = Partial<Record<ProblemCode, string>>

export const strings = en

const digits = new Intl.NumberFormat(strings.lang)
const dates = new Intl.DateTimeFormat(strings.lang, { dateStyle: 'medium', timeStyle: 'short' })
const languages = new Intl.DisplayNames(strings.lang, { type: 'language' })

/** A number as people write it. */
export function number(value: number): string {
  return digits.format(value)
}

/** A moment (ISO 8601) as people write it, in their own time zone. */
export function moment(iso: string): string {
  return dates.format(new Date(iso))
}

/** 65,000 ms is 1:05. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const two = (value: number) => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** 492,000 ms is 8 min 12 s. */
export function length(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}

/** 12,345,678 bytes are 12.3 MB. */
export function size(bytes: number): string {
  const tenths = new Intl.NumberFormat(strings.lang, { maximumFractionDigits: 1 })
  return bytes < 1e6 ? `${number(Math.ceil(bytes / 1e3))} kB` : `${tenths.format(bytes / 1e6)} MB`
}

/** An amount as people write it; the currency is an ISO 4217 code. Less than a cent is shown, too. */
export function money(amount: number, currency: string): string {
  const style = { style: 'currency', currency, maximumSignificantDigits: 2 } as const
  return new Intl.NumberFormat(strings.lang, style).format(amount)
}

/** The name of a language by its tag: "es" is Spanish. */
export function language(tag: string): string {
  try {
    return languages.of(tag) ?? tag
  } catch {
    return tag // not a tag that browsers know
  }
}
