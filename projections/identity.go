package projections

import (
	"fmt"

	"parley/events"
)

// Finding names how a log differs from the one that a checkpoint remembers.
type Finding string

// The findings. Each stops the projector until an operator decides.
const (
	Recreated  Finding = "recreated"   // another epoch: another log
	Restored   Finding = "restored"    // the same epoch in a stream made anew
	TailLost   Finding = "tail_lost"   // the log ends before the checkpoint
	HeadPurged Finding = "head_purged" // events were removed that no projection has seen
)

// Mismatch is the cause of the CodeConflict error of a log that is not the one
// projected before.
type Mismatch struct {
	Finding    Finding
	Checkpoint Checkpoint
	Log        events.Identity
}

// Error names the finding with the numbers that show it.
func (m *Mismatch) Error() string {
	return fmt.Sprintf("log %s: the checkpoint remembers epoch %s, created %s, position %d; the log has epoch %s, created %s, positions %d to %d",
		m.Finding, m.Checkpoint.Epoch, m.Checkpoint.Created, m.Checkpoint.Position,
		m.Log.Epoch, m.Log.Created, m.Log.First, m.Log.Last)
}

// Compare tells whether a checkpoint can be gone on from in this log.
// Errors: CodeConflict with a *Mismatch.
func Compare(c Checkpoint, log events.Identity) error {
	finding := findingOf(c, log)
	if finding == "" {
		return nil
	}
	message := fmt.Sprintf("the event log was %s since the read models were written; nothing is projected until an operator decides", finding)
	return events.Wrap(&Mismatch{finding, c, log}, events.CodeConflict, message)
}

func findingOf(c Checkpoint, log events.Identity) Finding {
	known := c.Epoch != ""
	switch {
	case known && c.Epoch != log.Epoch:
		return Recreated
	case known && !c.Created.Equal(log.Created):
		return Restored
	case log.Last < c.Position:
		return TailLost
	case log.First > c.Position+1:
		return HeadPurged
	}
	return ""
}
