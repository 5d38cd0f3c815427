// The app's names for what the server sends. The wire types are generated from
// the server's OpenAPI description; only this file knows their component names.
import type { components } from './schema'

type Schemas = components['schemas']

export type Me = Schemas['Me']
export type Topic = Schemas['Topic']
export type NewTopic = Schemas['NewTopic']
export type Session = Schemas['Session']
export type SessionBrief = Schemas['SessionBrief']
export type Sessions = Schemas['Sessions']
export type Segment = Schemas['Segment']
export type Status = Schemas['Status']
export type Token = Schemas['Token']
export type RelayedEvent = Schemas['RelayedEvent']
export type EventReceipt = Schemas['EventReceipt']
export type EndReason = Schemas['EndRequest']['reason']
export type Progress = Schemas['Progress']
export type Upload = Schemas['Upload']
export type UploadPart = Schemas['UploadPart']
export type SessionChange = Schemas['SessionChange']
export type WireProblem = Schemas['Problem']
