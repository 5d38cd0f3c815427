package postgres

import (
	"encoding/json"

	"parley/events"
	"parley/projections"
)

// partsOf carries the parts of a segment that has several. The first one's text
// lies in columns of its own, of it there are hashes here only.
type partsOf struct{ row *segmentRow }

type storedPart struct {
	Status events.TranscriptStatus `json:"status,omitempty"`
	Rank   int64                   `json:"rank,omitempty"`
	Words  int                     `json:"words,omitempty"`
	Event  events.EventID          `json:"event,omitempty"`
	Sealed []byte                  `json:"sealed,omitempty"`
	Hashes []int64                 `json:"hashes,omitempty"`
}

// MarshalJSON is null of a segment that has one part.
func (p *partsOf) MarshalJSON() ([]byte, error) {
	if len(p.row.More) == 0 {
		return []byte("null"), nil
	}
	stored := map[int]storedPart{}
	for index, hashes := range p.row.PartHashes {
		stored[index] = storedPart{Hashes: hashes}
	}
	for index, part := range p.row.More {
		stored[index] = storedPart{
			part.Status.Value, part.Status.Rank, part.Words, part.TextEvent.ID, part.TextEvent.Sealed, stored[index].Hashes,
		}
	}
	return json.Marshal(stored)
}

// Scan reads it back. (pgx empties what it unmarshals JSON into, also the row.)
func (p *partsOf) Scan(column any) error {
	raw, is := column.([]byte)
	if !is {
		return events.Errorf(events.CodeInternal, "parts of a segment come as %T", column)
	}
	return p.read(raw)
}

func (p *partsOf) read(raw []byte) error {
	var stored map[int]storedPart
	if err := json.Unmarshal(raw, &stored); err != nil || stored == nil {
		return err
	}
	p.row.More, p.row.PartHashes = map[int]*events.PartFacts{}, projections.PartHashes{}
	for index, part := range stored {
		if part.Hashes != nil {
			p.row.PartHashes[index] = part.Hashes
		}
		if part.Rank == 0 {
			continue
		}
		p.row.More[index] = &events.PartFacts{
			Status: events.Ranked[events.TranscriptStatus]{Value: part.Status, Rank: part.Rank},
			Words:  part.Words, TextEvent: events.Event{ID: part.Event, Sealed: part.Sealed},
		}
	}
	return nil
}
