package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
)

// tape makes recordings of any length out of one that a browser made: its packets
// again and again. What reading, storing and decoding costs is that of real ones.
type tape struct {
	Header  webm.EBMLHeader `ebml:"EBML"`
	Segment webm.Segment    `ebml:"Segment"`
}

// packetLength is how much sound a packet of a browser's recorder holds.
const packetLength = 60 * time.Millisecond

// readTape reads a WebM file that counts in milliseconds, without lacing.
func readTape(path string) (*tape, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w; run this where the repository lies, or name a recording with -recording", err)
	}
	t := &tape{}
	if err := ebml.Unmarshal(bytes.NewReader(file), t, ebml.WithIgnoreUnknown(true)); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(t.packets()) == 0 {
		return nil, fmt.Errorf("%s holds no sound", path)
	}
	return t, nil
}

// packets are the Opus packets of the tape, once.
func (t *tape) packets() (packets [][]byte) {
	for _, c := range t.Segment.Cluster {
		for _, b := range c.SimpleBlock {
			packets = append(packets, b.Data...)
		}
	}
	return packets
}

// length is how long the tape plays.
func (t *tape) length() time.Duration { return time.Duration(len(t.packets())) * packetLength }

// lasting is a recording of at least that length, as a recorder leaves it: without
// a duration, without cues.
func (t *tape) lasting(length time.Duration) ([]byte, error) {
	long := *t
	long.Segment.SeekHead, long.Segment.Cues, long.Segment.Cluster = nil, nil, nil
	long.Segment.Info.Duration = 0
	for at := time.Duration(0); at < length; at += t.length() {
		for _, c := range t.Segment.Cluster {
			c.Timecode += uint64(at.Milliseconds())
			c.PrevSize, c.BlockGroup = 0, nil
			long.Segment.Cluster = append(long.Segment.Cluster, c)
		}
	}
	var file bytes.Buffer
	err := ebml.Marshal(&long, &file)
	return file.Bytes(), err
}

// recording gives one of that length, made of the browser's own.
func (b *bench) recording(length time.Duration) ([]byte, error) {
	t, err := readTape(b.sample)
	if err != nil {
		return nil, err
	}
	file, err := t.lasting(length)
	return file, err
}
