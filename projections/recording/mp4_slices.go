package recording

import (
	"bytes"
	"errors"
	"math"
)

// mark is where a fragment begins, and what was known there: to go back to when the
// fragment is damaged. Its place is 0 until one can be expected.
type mark struct {
	at        int64
	fragments fragments
	repair    Repair
}

// span is a part of a file.
type span struct{ from, to int64 }

// begin enters moof. A slice that is lost between two boxes leaves the fragment before
// without its sound; one that is lost in the head lets another begin within it.
func (m *movie) begin(b box) error {
	if err := m.close(m.src.at - b.head); err != nil {
		return err
	}
	m.fragments.base, m.moof, m.sound = m.mark.at, m.src.at+m.here(b), 0
	within := int(min(b.body, ahead))
	head, err := m.src.peek(within + fragmentHead)
	if err == nil && fragmentIn(head, within) >= 0 {
		err = errDamaged
	}
	return err
}

// close ends the fragment before a place, and marks that.
func (m *movie) close(at int64) error {
	isWhole := m.fragments.samples == m.mark.fragments.samples || m.fragments.at <= m.sound
	switch {
	case at < m.mark.at:
		return errDamaged // within moov
	case m.mark.at > 0 && !isWhole:
		return m.drop(at)
	}
	m.mark = mark{at, m.fragments, m.repair}
	return nil
}

// inHeads tells whether what comes next belongs to the heads of the file: they are whole,
// or it cannot be played.
func (m *movie) inHeads() bool { return m.mark.at == 0 || m.src.at < m.mark.at }

// pass moves over n bytes of a box. If a fragment begins among them, a slice is lost.
func (m *movie) pass(n int64) error {
	if m.inHeads() {
		return m.src.skip(n)
	}
	found, err := m.src.seekFragment(n)
	if found {
		return errDamaged
	}
	return err
}

// passIndex moves over mfra, whose places are wrong once something before it is dropped.
func (m *movie) passIndex(b box) error {
	if err := m.close(m.src.at - b.head); err != nil {
		return err
	}
	if err := m.pass(b.body); err != nil || len(m.holes) == 0 {
		return err
	}
	return m.drop(m.src.at)
}

// regain drops the damaged fragment and moves on to where the next seems to begin.
func (m *movie) regain() error {
	if m.inHeads() {
		return reject(ReasonFormat, "not a row of MP4 boxes")
	}
	_, cut := m.src.seekFragment(math.MaxInt64)
	if m.src.err != nil {
		return m.src.err
	}
	return errors.Join(m.drop(m.src.at), cut)
}

// drop leaves out what lies between the mark and a place, and marks that.
func (m *movie) drop(until int64) error {
	m.fragments, m.repair = m.mark.fragments, m.mark.repair
	m.repair.DroppedBytes += until - m.mark.at
	switch last := len(m.holes) - 1; {
	case last >= 0 && m.holes[last].to == m.mark.at:
		m.holes[last].to = until
	case last+1 == maxClusters:
		return reject(ReasonTooComplex, "more than %d damaged fragments", maxClusters)
	default:
		m.holes = append(m.holes, span{m.mark.at, until})
	}
	m.mark = mark{until, m.fragments, m.repair}
	return nil
}

const (
	ahead        = 32 << 10 // how far to look at once
	fragmentHead = 16       // bytes: the heads of moof and of mfhd, which is its first box
)

// seekFragment moves on by n bytes, or to where a fragment seems to begin among them;
// found tells of that. At the file's end it returns errCut.
func (s *source) seekFragment(n int64) (found bool, err error) {
	for n > 0 {
		step := min(n, ahead)
		b, err := s.peek(int(step) + fragmentHead)
		if err != nil {
			return false, err
		}
		if at := fragmentIn(b, int(step)); at >= 0 {
			return true, s.skip(int64(at))
		}
		if err := s.skip(step); err != nil {
			return false, err
		}
		n -= step
	}
	return false, nil
}

// fragmentIn finds where among the first n bytes a fragment seems to begin; -1: nowhere.
func fragmentIn(b []byte, n int) int {
	for at := 0; ; at++ {
		next := bytes.Index(b[at:], []byte("moof"))
		if next < 0 {
			return -1
		}
		at += next
		begins := at - 4
		if begins >= n {
			return -1
		}
		if begins >= 0 && len(b) >= begins+fragmentHead && beUint(b[begins:at]) >= fragmentHead && string(b[at+8:at+12]) == "mfhd" {
			return begins
		}
	}
}
