package events

import "time"

// BrowserID names one sign-in to its owner: a ULID. It is no secret and opens
// nothing.
type BrowserID string

// SignIn is one browser in which somebody is signed in.
type SignIn struct {
	Account AccountID
	Browser BrowserID
	Name    string // the browser's family: "Firefox on Linux"; sealed at rest
	BegunAt time.Time
	UsedAt  time.Time // to the hour or so, so that it is no diary
	EndsAt  time.Time // for good, however much it is used
}
