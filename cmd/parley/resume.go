package main

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"parley/events"
	"parley/projections/recording"
	"parley/projections/timekeeper"
)

// What the workers owe a session. Each is done from its state in the log, so that a
// worker that does it at the same moment does no harm.
const (
	owedErasure = "make it unreadable, as was asked, and overwrite it"
	owedSweep   = "overwrite what the log still holds of it"
	owedTimer   = "end it if its time is over, else set its timer anew"
	owedAudio   = "check and place its recording"
	owedLevels  = "make the levels of its recording"
	owedNothing = ""
)

// owed is what the workers have not done yet.
func owed(s *timekeeper.Session) string {
	switch {
	case s.Erased != nil && s.Erased.SweptAt == nil:
		return owedSweep
	case s.Erased != nil:
		return owedNothing
	case s.Deleted != nil:
		return owedErasure
	case s.IsOpen():
		return owedTimer
	case s.ToFinalize() != nil:
		return owedAudio
	case owesLevels(s.Session):
		return owedLevels
	}
	return owedNothing
}

// owesLevels tells whether the measurer is behind with a session's recording, or gave up.
func owesLevels(s *events.Session) bool { return recording.IsMeasurable(s.ToMeasure()) }

func planResume(s *timekeeper.Session) (string, error) {
	does := owed(s)
	switch {
	case !s.Exists() && s.Erased == nil:
		return "", events.Errorf(events.CodeNotFound, "there is no such session")
	case does == owedNothing:
		return "", events.Errorf(events.CodeConflict, "the workers have done all that they could")
	}
	return does + " here, in place of the worker", nil
}

// resume does what the workers owe, in this process.
func resume(ctx context.Context, w ward) error {
	s, err := loadTimed(ctx, w.log, w.id)
	if err != nil {
		return err
	}
	switch owed(s) {
	case owedErasure, owedSweep:
		return w.erase(ctx)
	case owedTimer:
		limits := timekeeper.Limits{Silence: w.config.SessionSilence, Idle: w.config.SessionIdle}
		return timekeeper.New(w.log, w.log.Timers(), limits, time.Now, newEventID).Ring(ctx, w.id)
	case owedAudio:
		return w.place(ctx)
	case owedLevels:
		return w.measure(ctx)
	}
	return nil // it was done meanwhile
}

// erase takes both pieces of an erasure's work; of each what is done is found done.
func (w ward) erase(ctx context.Context) error {
	store, err := w.store(ctx)
	if err != nil {
		return err
	}
	eraser := eraserOf(w.log, store, w.calls, rate.NewLimiter(rate.Limit(w.config.SweepRate), 1))
	for _, piece := range []events.Body{&events.SessionDeleteRequested{}, &events.SessionErased{}} {
		if err := eraser.Handle(ctx, events.Event{Aggregate: w.id.Aggregate(), Body: piece}); err != nil {
			return err
		}
	}
	return nil
}

// place lets a finalizer of this process look at the recording.
func (w ward) place(ctx context.Context) error {
	store, err := w.store(ctx)
	if err != nil {
		return err
	}
	finalizer := recording.NewFinalizer(w.log, store, time.Now, newEventID, silent())
	return finalizer.Handle(ctx, events.Event{Aggregate: w.id.Aggregate()})
}

// measure lets a measurer of this process make the levels. Errors: CodeConflict for a
// recording that it cannot read.
func (w ward) measure(ctx context.Context) error {
	store, err := w.store(ctx)
	if err != nil {
		return err
	}
	measurer := recording.NewMeasurer(w.log, store, time.Now, newEventID, silent())
	if err := measurer.Handle(ctx, events.Event{Aggregate: w.id.Aggregate()}); err != nil {
		return err
	}
	s, err := loadTimed(ctx, w.log, w.id)
	if err == nil && owesLevels(s.Session) {
		return events.Errorf(events.CodeConflict, "its recording cannot be read: parley objects check")
	}
	return err
}
