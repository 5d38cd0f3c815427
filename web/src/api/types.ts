// The app's names for what the server sends. The wire types are generated from
// the server's OpenAPI description (`parley openapi`); only this file knows
// their component names.
import type { components } from './schema'

type Schemas = components['schemas']

export type Me = Schemas['Me']
export type Topic = Schemas['Topic']
export type NewTopic = Schemas['NewTopicBody']
export type Segment = Schemas['Segment']
export type Audio = Schemas['Audio']
export type Session = Omit<Schemas['Session'], 'audio'> & {
  /** Null until the recording is finalized, and when none was made: OpenAPI 3.1 from Go has no word for it. */
  audio: Audio | null
}
export type Status = Session['status']
export type SessionBrief = Schemas['Summary']
export type Sessions = Schemas['SessionsOutputBody']
export type SessionChange = Schemas['SessionChanged']
export type TalkChoice = Schemas['TalkChoice']
export type TalkLimits = Schemas['TalkLimits']
export type Token = Schemas['TokenOutputBody']
export type RelayedEvent = Schemas['ReportIn']
export type EventReceipt = Schemas['ReportsOutputBody']
export type EndReason = Schemas['EndInputBody']['reason']
export type Progress = Schemas['LandedOutputBody']
export type UploadPart = Schemas['UploadPart']
export type Upload = Schemas['UploadOutputBody']
export type Ways = Schemas['WaysOutputBody']
export type Ceremony = Schemas['CeremonyOutputBody']
export type Invited = Schemas['InvitedOutputBody']
export type Credential = Schemas['Credential']
export type Browser = Schemas['Browser']
export type AuditLine = Schemas['MyAuditLine']
export type AuditPage = Schemas['MyAuditOutputBody']
export type Grant = Schemas['GrantState']
export type Receipt = Schemas['Receipt']
export type WireProblem = Schemas['Problem']
