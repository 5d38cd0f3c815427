// The app's names for what the server sends. The wire types are generated from
// the server's OpenAPI description (`parley openapi`); only this file knows
// their component names, and where the description is looser than the server.
import type { components } from './schema'

type Schemas = components['schemas']

// The description calls every list nullable, as Go's slices are; the server sends none that is.
type Listed<T> = T extends readonly (infer Item)[]
  ? Listed<Item>[]
  : T extends object
    ? {
        [Field in keyof T]: Extract<T[Field], readonly unknown[]> extends never
          ? T[Field]
          : Listed<NonNullable<T[Field]>>
      }
    : T

export type Status = 'active' | 'ended' | 'uploading' | 'finalizing' | 'saved' | 'needs_attention'

type WithStatus<T> = Omit<T, 'status'> & { status: Status }

export type Me = Listed<Schemas['Me']>
export type Topic = Listed<Schemas['Topic']>
export type NewTopic = Listed<Schemas['NewTopicBody']>
export type Segment = Schemas['Segment']
export type Audio = Listed<Schemas['Audio']>
export type Session = Omit<WithStatus<Listed<Schemas['Session']>>, 'audio'> & {
  /** Null until the recording is finalized, and when none was made. */
  audio: Audio | null
}
export type SessionBrief = WithStatus<Schemas['Summary']>
export type Sessions = { sessions: SessionBrief[]; next?: string }
export type SessionChange = WithStatus<Schemas['SessionChanged']>
export type Token = Schemas['TokenOutputBody']
export type RelayedEvent = Schemas['ReportIn']
export type EventReceipt = Listed<Schemas['ReportsOutputBody']>
export type EndReason = Schemas['EndInputBody']['reason']
export type Progress = WithStatus<Schemas['LandedOutputBody']>
export type UploadPart = Schemas['UploadPart']
export type Upload = Listed<Schemas['UploadOutputBody']>
export type WireProblem = Listed<Schemas['Problem']>
