package events

import "time"

// The kinds of grants, on the session that they are of.
const (
	KindContentGranted        Kind = "content_granted"
	KindContentGrantWithdrawn Kind = "content_grant_withdrawn"
)

// MaxGrant is how long a learner may open a session to analysts.
const MaxGrant = 90 * 24 * time.Hour

// ContentGranted: the learner lets analysts read what was said in this session,
// until then. Nobody else can: not an operator, and not an analyst.
type ContentGranted struct {
	Until time.Time `json:"until"`
}

// ContentGrantWithdrawn: she does no longer.
type ContentGrantWithdrawn struct{}

// Kind is content_granted.
func (*ContentGranted) Kind() Kind { return KindContentGranted }

// Kind is content_grant_withdrawn.
func (*ContentGrantWithdrawn) Kind() Kind { return KindContentGrantWithdrawn }

// Disclosure is a session with what its learner lets analysts read.
type Disclosure struct {
	*Session
	Granted *ContentGranted // nil without a grant, or once it is withdrawn
}

// NewDisclosure is that of a session which has not started.
func NewDisclosure(id SessionID) *Disclosure { return &Disclosure{Session: NewSession(id)} }

// Evolve takes in the next event.
func (d *Disclosure) Evolve(e Event) {
	d.Session.Evolve(e)
	switch b := e.Body.(type) {
	case *ContentGranted:
		d.Granted = b
	case *ContentGrantWithdrawn, *SessionDeleteRequested, *SessionErased:
		d.Granted = nil
	}
}

// Grant opens the session's content to analysts until then, in place of an
// earlier grant. Errors: CodeInvalid for an end that is past or further away
// than MaxGrant; those of Open.
func (d *Disclosure) Grant(by AccountID, until, now time.Time) ([]Event, error) {
	if err := d.Open(by); err != nil {
		return nil, err
	}
	if !until.After(now) || until.After(now.Add(MaxGrant)) {
		return nil, Errorf(CodeInvalid, "a grant ends later than now, and within %d days", MaxGrant/(24*time.Hour))
	}
	until = until.UTC().Truncate(time.Second)
	if d.Granted != nil && d.Granted.Until.Equal(until) {
		return nil, nil
	}
	return Draft(&ContentGranted{until}), nil
}

// Withdraw closes it again; it counts for every later reading. Doing it again
// drafts nothing. Errors: those of Open.
func (d *Disclosure) Withdraw(by AccountID) ([]Event, error) {
	if err := d.Open(by); err != nil {
		return nil, err
	}
	if d.Granted == nil {
		return nil, nil
	}
	return Draft(&ContentGrantWithdrawn{}), nil
}

// Readable refuses an analyst without a grant. What is deleted reads like what
// never was.
// Errors: CodeNotFound; CodeForbidden when the learner has not granted it, or
// not any more.
func (d *Disclosure) Readable(now time.Time) error {
	switch {
	case !d.Exists(), d.Deleted != nil, d.Erased != nil:
		return Errorf(CodeNotFound, "there is no such session")
	case d.Granted == nil, !now.Before(d.Granted.Until):
		return Errorf(CodeForbidden, "its learner has not opened this session's words to analysts, or the time for it is over")
	}
	return nil
}
