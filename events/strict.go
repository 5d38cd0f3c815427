package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
)

// strict decodes JSON values and refuses members that it does not know. One
// decoder serves many clear bodies: making it costs as much as a small body.
type strict struct {
	source  bytes.Reader
	decoder *json.Decoder
}

var stricts = sync.Pool{New: func() any { return newStrict() }}

func newStrict() *strict {
	s := new(strict)
	s.decoder = json.NewDecoder(&s.source)
	s.decoder.DisallowUnknownFields()
	return s
}

// decode reads one value, which must be all of the data. After an error the
// decoder is of no more use.
func (s *strict) decode(data []byte, into any) error {
	began := s.decoder.InputOffset()
	s.source.Reset(data)
	if err := s.decoder.Decode(into); err != nil {
		return err
	}
	if read := s.decoder.InputOffset() - began; read < int64(len(data)) {
		return fmt.Errorf("%d bytes after the object", int64(len(data))-read)
	}
	return nil
}
