package recording

import (
	"bufio"
	"errors"
	"io"
)

// source reads a file forward, once, and knows where it is. An error of the
// underlying reader (not the file's end) sticks in err, so that a broken
// connection is never taken for a broken file.
type source struct {
	r   *bufio.Reader
	at  int64
	err error
}

func newSource(r io.Reader) *source {
	return &source{r: bufio.NewReaderSize(r, 64<<10)}
}

// element returns the head that comes next without moving past it. At the file's
// end it returns io.EOF, in the middle of a head errCut.
func (s *source) element() (element, error) {
	b, err := s.r.Peek(maxElementHead)
	if err != nil && !s.atEnd(err) {
		return element{}, s.err
	}
	if len(b) == 0 {
		return element{}, io.EOF
	}
	return parseElement(b)
}

// peek returns up to n bytes that come next; fewer only at the file's end.
func (s *source) peek(n int) ([]byte, error) {
	b, err := s.r.Peek(n)
	if err != nil && !s.atEnd(err) {
		return nil, s.err
	}
	return b, nil
}

// read fills b, or returns errCut if the file ends before.
func (s *source) read(b []byte) error {
	n, err := io.ReadFull(s.r, b)
	s.at += int64(n)
	return s.cut(err)
}

// skip moves n bytes on, or returns errCut at the file's end if that comes before.
func (s *source) skip(n int64) error {
	for n > 0 {
		done, err := s.r.Discard(int(min(n, 1<<30)))
		s.at += int64(done)
		if err != nil {
			return s.cut(err)
		}
		n -= int64(done)
	}
	return nil
}

// seekCluster moves on by at least one byte to where a cluster seems to begin. At
// the file's end it returns errCut.
func (s *source) seekCluster() error {
	for {
		if err := s.skip(1); err != nil {
			return err
		}
		b, err := s.peek(4)
		if err != nil {
			return err
		}
		if len(b) == 4 && beUint(b) == idCluster {
			return nil
		}
	}
}

func (s *source) cut(err error) error {
	if err == nil {
		return nil
	}
	if s.atEnd(err) {
		return errCut
	}
	return s.err
}

func (s *source) atEnd(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	s.err = err
	return false
}
