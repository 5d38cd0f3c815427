package projections

import "parley/events"

// PartKey names a part of a session: an item or a response of one of its calls.
type PartKey struct {
	Session events.SessionID
	Call    int
	Part    string // the provider's id; empty for the call itself
}

// Keys name the rows that a batch of events touches.
type Keys struct {
	Aggregates map[events.Aggregate]bool
	Calls      map[PartKey]bool
	Segments   map[PartKey]bool
	Responses  map[PartKey]bool
}

// KeysOf finds what a batch touches, so that a long conversation is not read
// whole for each of its turns.
func KeysOf(batch []events.Event) Keys {
	k := Keys{map[events.Aggregate]bool{}, map[PartKey]bool{}, map[PartKey]bool{}, map[PartKey]bool{}}
	for _, e := range batch {
		k.Aggregates[e.Aggregate] = true
		if e.Aggregate.Kind == events.KindOfSession {
			k.parts(events.SessionID(e.Aggregate.ID), e.Body)
		}
	}
	return k
}

func (k Keys) parts(of events.SessionID, body events.Body) {
	call := func(n int) { k.Calls[PartKey{of, n, ""}] = true }
	segment := func(n int, item string) { k.Segments[PartKey{of, n, item}] = true }
	response := func(n int, id string) { k.Responses[PartKey{of, n, id}] = true }
	switch b := body.(type) {
	case *events.TokenIssued:
		call(b.Call)
	case *events.TokenRefreshed:
		call(b.Call)
	case *events.CallConnected:
		call(b.Call)
	case *events.CallDescribed:
		call(b.Call)
	case *events.CallDropped:
		call(b.Call)
	case *events.SegmentPlaced:
		segment(b.Call, b.Item)
	case *events.SegmentTranscribed:
		segment(b.Call, b.Item)
	case *events.SegmentInterrupted:
		segment(b.Call, b.Item)
	case *events.SegmentTimed:
		segment(b.Call, b.Item)
		response(b.Call, b.Response)
	case *events.UsageRecorded:
		segment(b.Call, b.Item)
		response(b.Call, b.Response)
	case *events.ResponseMeasured:
		response(b.Call, b.Response)
	}
}

// Within keeps the parts of the sessions that are held.
func (k Keys) Within(held *Rows) Keys {
	kept := func(parts map[PartKey]bool) map[PartKey]bool {
		of := map[PartKey]bool{}
		for key := range parts {
			if held.Sessions[key.Session] != nil {
				of[key] = true
			}
		}
		return of
	}
	return Keys{k.Aggregates, kept(k.Calls), kept(k.Segments), kept(k.Responses)}
}

// IDs lists the touched aggregates of one kind.
func IDs[T ~string](k Keys, kind events.AggregateKind) []T {
	var ids []T
	for a := range k.Aggregates {
		if a.Kind == kind {
			ids = append(ids, T(a.ID))
		}
	}
	return ids
}
