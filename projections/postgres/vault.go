package postgres

import (
	"context"

	"parley/events"
	"parley/projections"
)

// Opener opens what is sealed. Errors: CodeErased when the owner's key was
// destroyed, which is a normal answer; CodeUnavailable.
type Opener interface {
	Open(ctx context.Context, owner, aggregate events.Aggregate, id events.EventID, kind events.Kind, sealed []byte) ([]byte, error)
}

// Deriver derives keys from data keys. Errors: as of Opener.
type Deriver interface {
	Derive(ctx context.Context, owner events.Aggregate, purpose string) ([32]byte, error)
}

// openInto opens a sealed part into a body of its kind. Nothing sealed leaves
// the body as it is. Errors: those of Opener, CodeInvalid.
func openInto(ctx context.Context, by Opener, owner, aggregate events.Aggregate, s projections.Sealed, body events.Sealable) error {
	if s.Bytes == nil {
		return nil
	}
	plain, err := by.Open(ctx, owner, aggregate, s.Event, s.Kind, s.Bytes)
	if err != nil {
		return err
	}
	return events.DecodePrivate(body, plain)
}

// wordKey is the key of a session's word hashes; ok is false once it is erased.
func wordKey(ctx context.Context, by Deriver, of events.SessionID) (key projections.WordKey, ok bool, err error) {
	derived, err := by.Derive(ctx, of.Aggregate(), projections.WordsPurpose)
	switch events.CodeOf(err) {
	case "":
		copy(key[:], derived[:])
		return key, true, nil
	case events.CodeErased:
		return key, false, nil
	}
	return key, false, err
}
