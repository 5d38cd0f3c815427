package http

import (
	"context"
	"time"

	"parley/events"
	"parley/projections"
)

// Operations is what operators see and do. The commands of the same names are
// the same code.
type Operations interface {
	// Condition says how the instance stands; what cannot be reached is in its
	// Missing. Errors: CodeUnavailable.
	Condition(ctx context.Context) (Condition, error)
	// Lag measures how far the read models are behind the log.
	// Errors: CodeUnavailable.
	Lag(ctx context.Context) (projections.Lag, error)
	// DeadLetters lists the first events that wait outside the read models.
	// Errors: CodeUnavailable.
	DeadLetters(ctx context.Context) (DeadLetters, error)
	// Retry tries the dead letters of one aggregate ("session/01J…"), or of all
	// (""). Errors: CodeInvalid, CodeUnavailable.
	Retry(ctx context.Context, aggregate string) ([]Retried, error)
	// Stuck lists the sessions of which nothing was heard for a time and for
	// which something is left to do. Errors: CodeUnavailable.
	Stuck(ctx context.Context, quiet time.Duration) ([]StuckSession, error)
	// Plan says what a remedy would do. Errors: CodeInvalid for one that is
	// none, CodeNotFound, CodeErased, CodeConflict when it cannot help.
	Plan(ctx context.Context, id events.SessionID, remedy string) (Helped, error)
	// Help does it, in an operator's name. Errors: as of Plan.
	Help(ctx context.Context, id events.SessionID, remedy string, by events.Actor) (Helped, error)
}

// Condition is how an instance stands, as far as its servers say.
type Condition struct {
	Version  string            `json:"version"`
	Log      events.Position   `json:"log" doc:"Last position of the log"`
	Views    events.Position   `json:"views" doc:"What the read models hold"`
	Lag      uint64            `json:"lag" doc:"Positions between the two"`
	Behind   float64           `json:"behind_s" doc:"Seconds since the oldest event that is not projected was stored"`
	Trend    float64           `json:"trend" doc:"Events a second by which the lag grows; below zero it shrinks"`
	Standing bool              `json:"standing" doc:"There is something to project, and the mark does not move"`
	Dead     bool              `json:"dead" doc:"No projector is there: a lag of zero means nothing"`
	Mismatch string            `json:"mismatch" doc:"Why nothing is projected: the log is another one"`
	Letters  int               `json:"dead_letters"`
	Parked   int               `json:"parked" doc:"Aggregates that these are of"`
	Sessions map[string]int    `json:"sessions" doc:"Of the newest, by status"`
	Room     uint64            `json:"room" doc:"Bytes free for the data folder"`
	Missing  map[string]string `json:"missing" doc:"What cannot be reached, and why"`
	// Of the instance that is asked, through the web:
	Unknown  map[string]int `json:"unknown_events,omitempty" doc:"What the provider said and nobody knows here, by type, since this instance started"`
	Retiring []string       `json:"retiring,omitempty" doc:"Models in use that are announced to be switched off"`

	ReadModels []ReadModels `json:"read_models" nullable:"false" doc:"Their versions; one that is building shows how far a rebuild is"`
}

// ReadModels is one version of the read models.
type ReadModels struct {
	Version  int             `json:"version"`
	State    string          `json:"state" enum:"live,previous,building,scratch"`
	Position events.Position `json:"position" doc:"Filled up to here"`
}

// DeadLetter is an event that waits outside the read models.
type DeadLetter struct {
	Aggregate string          `json:"aggregate"`
	Position  events.Position `json:"position"`
	Event     events.EventID  `json:"event"`
	Type      string          `json:"type"`
	Reason    string          `json:"reason"`
}

// DeadLetters are those that wait, the first in the log's order.
type DeadLetters struct {
	Letters []DeadLetter `json:"letters" nullable:"false"`
	Waiting int          `json:"waiting" doc:"How many there are; more than are listed when the list is cut"`
}

// Retried is what became of the dead letters of one aggregate.
type Retried struct {
	Aggregate string       `json:"aggregate"`
	Released  int          `json:"released"`
	Stuck     []DeadLetter `json:"stuck" nullable:"false"`
}

// StuckSession is a session that does not go on by itself, or has not for a while.
type StuckSession struct {
	ID       events.SessionID `json:"id"`
	Learner  events.AccountID `json:"learner,omitempty"`
	Status   string           `json:"status"`
	Reason   string           `json:"reason,omitempty"`
	Since    time.Time        `json:"since" doc:"Nothing has happened"`
	Why      string           `json:"why"`
	Remedies []string         `json:"remedies" nullable:"false" doc:"What helps; none: it goes on by itself"`
}

// Helped is what became, or would become, of one session.
type Helped struct {
	ID      events.SessionID `json:"id"`
	Learner events.AccountID `json:"-"` // whose trail it goes on
	Remedy  string           `json:"remedy"`
	Will    string           `json:"will"`
	Done    bool             `json:"done"`
	Status  string           `json:"status" doc:"Afterwards"`
	Reason  string           `json:"reason,omitempty"`
}
