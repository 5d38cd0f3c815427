package realtime

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Call names a running call to listen to.
type Call struct {
	// ID is the provider's id of the call, as the browser reported it. It is
	// only a claim: the browser could name somebody else's call.
	ID string
	// Mark is MintRequest.Mark of the token that opened the call. Without
	// one nothing is believed.
	Mark string
}

// Receiver takes what a sideband hears.
type Receiver interface {
	// Hear takes the events of a call in the order in which they came, one
	// at a time. After a connection that broke some may be missing, and none
	// comes twice. An error ends the listening.
	Hear(ctx context.Context, event Event) error
}

// ErrNotOurs says that the call does not carry our mark: its id was claimed by
// somebody who had no token for it. Nothing of it was given to the receiver.
var ErrNotOurs = errors.New("the call does not carry our mark")

const (
	// maxTries is how many connections in a row may fail.
	maxTries = 10
	// unknownTries is how often a call that was never heard may be unknown: its
	// id can reach us before the provider's other doors know it.
	unknownTries = 4
	// longestBackoff bounds the wait between two of them.
	longestBackoff = 5 * time.Second
)

// Listen opens the provider's sideband to a call and hands the receiver what
// it hears, until the call is over, over as many connections as that takes.
// nil: the call is over, because it was hung up or there is no such call (any
// more). Fails with *Error, on ErrNotOurs, or on errors.ErrUnsupported where
// Follows is false; with the receiver's error; or with that of ctx.
//
// Source: OpenAI, "Webhooks and server-side controls".
func (c *Client) Listen(ctx context.Context, call Call, receiver Receiver) error {
	switch {
	case !c.Follows():
		return &Error{Op: "listen", Class: ClassUnknown, Err: errors.ErrUnsupported}
	case call.Mark == "":
		return &Error{Op: "listen", Class: ClassUnknown, Err: ErrNotOurs}
	}
	wasHeard := false
	for try := 0; ; try++ {
		s := sideband{client: c, call: call, receiver: receiver}
		over, err := s.run(ctx)
		wasHeard = wasHeard || s.believed
		var failure *Error
		switch {
		case over && !wasHeard && try+1 < unknownTries:
		case over || err == nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.As(err, &failure) || !failure.Retryable:
			return err
		case s.believed:
			try = 0
		case try+1 >= maxTries:
			return err
		}
		if err := c.pause(ctx, try); err != nil {
			return err
		}
	}
}

// pause waits before the next connection: longer each time, and never as long
// as others do.
func (c *Client) pause(ctx context.Context, try int) error {
	wait := min(c.config.Backoff<<try, longestBackoff)
	timer := time.NewTimer(wait/2 + rand.N(wait/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
