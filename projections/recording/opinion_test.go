package recording

import (
	"bytes"
	"slices"
	"testing"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
)

// opinion is a file as another reader, ebml-go, understands it.
type opinion struct {
	info     webm.Info
	cues     []webm.CuePoint
	clusters []uint64 // positions in the segment
	packets  []packet
}

type packet struct {
	at      int64
	data    string
	padding int64
}

// document names what ebml-go's own structs leave out.
type document struct {
	Header  webm.EBMLHeader `ebml:"EBML"`
	Segment struct {
		Info    webm.Info   `ebml:"Info"`
		Tracks  webm.Tracks `ebml:"Tracks"`
		Cues    *webm.Cues  `ebml:"Cues"`
		Cluster []struct {
			Timecode    uint64       `ebml:"Timecode"`
			SimpleBlock []ebml.Block `ebml:"SimpleBlock"`
			BlockGroup  []struct {
				Block          ebml.Block `ebml:"Block"`
				DiscardPadding int64      `ebml:"DiscardPadding"`
			} `ebml:"BlockGroup"`
		} `ebml:"Cluster"`
	} `ebml:"Segment"`
}

func secondOpinion(t *testing.T, file []byte) opinion {
	t.Helper()
	var doc document
	var o opinion
	var segment uint64
	hook := ebml.WithElementReadHooks(func(e *ebml.Element) {
		switch e.Type {
		case ebml.ElementSegment:
			segment = e.Position + 12
		case ebml.ElementCluster:
			o.clusters = append(o.clusters, e.Position)
		}
	})
	if err := ebml.Unmarshal(bytes.NewReader(file), &doc, hook); err != nil {
		t.Fatalf("ebml-go: %v", err)
	}
	for i := range o.clusters { // the segment is told last
		o.clusters[i] -= segment
	}
	o.info = doc.Segment.Info
	if doc.Segment.Cues != nil {
		o.cues = doc.Segment.Cues.CuePoint
	}
	for _, c := range doc.Segment.Cluster {
		for _, b := range c.SimpleBlock {
			o.hear(int64(c.Timecode), b, 0)
		}
		for _, g := range c.BlockGroup {
			o.hear(int64(c.Timecode), g.Block, g.DiscardPadding)
		}
	}
	slices.SortStableFunc(o.packets, func(a, b packet) int { return int(a.at - b.at) })
	return o
}

func (o *opinion) hear(base int64, b ebml.Block, padding int64) {
	for _, data := range b.Data {
		o.packets = append(o.packets, packet{base + int64(b.Timecode), string(data), padding})
	}
}
