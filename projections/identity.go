package projections

import (
	"context"
	"fmt"

	"parley/events"
)

// Finding names how a log differs from the one that a checkpoint remembers.
type Finding string

// The findings. Each stops the projector until an operator decides.
const (
	Recreated  Finding = "recreated"   // another epoch: another log
	TailLost   Finding = "tail_lost"   // the log ends before the checkpoint
	Forked     Finding = "forked"      // another event stands at the checkpoint
	Removed    Finding = "removed"     // the checkpoint's event is gone, and no tombstone says why
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
	return fmt.Sprintf("log %s: the checkpoint remembers epoch %s, created %s, position %d, event %s; the log has epoch %s, created %s, positions %d to %d",
		m.Finding, m.Checkpoint.Epoch, m.Checkpoint.Created, m.Checkpoint.Position, m.Checkpoint.Event,
		m.Log.Epoch, m.Log.Created, m.Log.First, m.Log.Last)
}

// Advice tells the operator what to do about the finding.
func (m *Mismatch) Advice() string {
	switch m.Finding {
	case Recreated:
		return "This is another event log. If it is the wrong server, point PARLEY_NATS_URL at the right one; if the log was lost, restore it from a backup; if this log is the one to keep, run: parley rebuild --accept"
	case TailLost:
		return fmt.Sprintf("The log lost its events after position %d. Restore a newer backup; or accept the loss with: parley rebuild --accept, after which sessions show what the log still holds", m.Log.Last)
	case Forked:
		return "The log was restored and written on since, so that its past is not the one that was projected. If it is the log to keep, run: parley rebuild --accept"
	case HeadPurged:
		return fmt.Sprintf("Events before position %d were removed without an erasure. Restore the log from a backup; or accept what it still holds with: parley rebuild --accept", m.Log.First)
	default:
		return "The event at the checkpoint was removed without an erasure. Restore the log from a backup, or accept what it holds with: parley rebuild --accept"
	}
}

func mismatch(f Finding, c Checkpoint, log events.Identity) error {
	message := fmt.Sprintf("the event log is not the one that the read models were made from (%s); nothing is projected until an operator decides", f)
	return events.Wrap(&Mismatch{f, c, log}, events.CodeConflict, message)
}

// Check tells whether a checkpoint can be gone on from in a log of that
// identity, by the table "Log identity" of the event log page. A log that was
// restored from a backup up to the checkpoint or further is accepted; the next
// commit records it. Errors: CodeConflict with a *Mismatch, CodeUnavailable.
func Check(ctx context.Context, log Source, c Checkpoint, now events.Identity) error {
	known := c.Epoch != ""
	switch {
	case known && c.Epoch != now.Epoch:
		return mismatch(Recreated, c, now)
	case now.Last < c.Position:
		return mismatch(TailLost, c, now)
	}
	if known {
		finding, err := standing(ctx, log, c)
		if err != nil {
			return err
		}
		if finding != "" {
			return mismatch(finding, c, now)
		}
	}
	if now.First <= c.Position+1 {
		return nil
	}
	erased, err := erasedBefore(ctx, log, c.Position, now)
	if err == nil && !erased {
		err = mismatch(HeadPurged, c, now)
	}
	return err
}

// standing looks at the event that stood at the checkpoint: it still does, or
// an erasure lists it.
func standing(ctx context.Context, log Source, c Checkpoint) (Finding, error) {
	id, there, err := log.At(ctx, c.Position)
	switch {
	case err != nil:
		return "", err
	case there && id == c.Event:
		return "", nil
	case there:
		return Forked, nil
	}
	since, err := log.Load(ctx, c.Aggregate, c.Position)
	switch {
	case events.CodeOf(err) == events.CodeInvalid:
		return Removed, nil // of a subject that no command writes to, so neither does an erasure
	case err != nil:
		return "", err
	case erasedBy(since).Has(int64(c.Position)):
		return "", nil
	}
	return Removed, nil
}

// erasedBy collects the positions that tombstones among the events list.
func erasedBy(evs []events.Event) events.Numbers {
	var erased events.Numbers
	for _, e := range evs {
		if tombstone, is := e.Body.(events.Tombstone); is {
			erased = erased.Union(tombstone.Removed())
		}
	}
	return erased
}

// erasedBefore tells whether tombstones list every position that is missing
// between the checkpoint and the log's first event. It reads the log until
// they do, since an erasure comes after what it erases.
func erasedBefore(ctx context.Context, log Source, after events.Position, now events.Identity) (bool, error) {
	missing := int64(now.First - after - 1)
	if now.First > now.Last {
		return false, nil // nothing is left, so no tombstone either
	}
	var erased events.Numbers
	err := log.Follow(ctx, now.First-1, MaxBatch, func(batch []events.Event) error {
		for _, r := range erasedBy(batch).Ranges() {
			if r.First, r.Last = max(r.First, int64(after)+1), min(r.Last, int64(now.First)-1); r.First <= r.Last {
				erased = erased.With(r)
			}
		}
		if erased.Count() == missing || batch[len(batch)-1].Position >= now.End() {
			return errRead
		}
		return nil
	})
	return erased.Count() == missing, ignoring(err, errRead)
}
