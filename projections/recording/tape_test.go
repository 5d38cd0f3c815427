package recording

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"
)

// tape writes WebM files as recorders do, and as they should not.
type tape struct {
	b      []byte
	sized  bool  // write sizes of Segment and Clusters; MediaRecorder does not
	at     int64 // ms of the next packet
	marks  []int // where each cluster begins
	blocks []int // where each block ends
	opened int   // where the open cluster's body begins, if sized
}

const frameMS = 60

// frame is a 60 ms SILK packet (configuration 3) whose sound is n.
func frame(n int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{3 << 3}, uint64(n))
}

func newTape(channels byte) *tape {
	t := &tape{}
	t.b = documentHead()
	t.b = append(appendID(t.b, idSegment), 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	t.b = appendBytes(t.b, idInfo, appendBytes(nil, idWritingApp, []byte("Chrome")))
	t.b = appendBytes(t.b, idTracks, opusTrack(channels))
	return t
}

func opusTrack(channels byte) []byte {
	return appendBytes(nil, idTrackEntry, trackEntry("A_OPUS", 2, channels))
}

func trackEntry(codec string, kind, channels byte) []byte {
	b := appendBytes(nil, idTrackNumber, []byte{1})
	b = appendBytes(b, idTrackType, []byte{kind})
	b = appendBytes(b, idCodecID, []byte(codec))
	return appendBytes(b, idAudio, appendBytes(nil, idChannels, []byte{channels}))
}

// cluster opens one at the present time.
func (t *tape) cluster() *tape {
	t.close()
	t.marks = append(t.marks, len(t.b))
	if t.sized {
		t.b = appendHead(t.b, idCluster, 0)
	} else {
		t.b = append(appendID(t.b, idCluster), 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	}
	t.opened = len(t.b)
	t.b = appendBytes(t.b, idTimestamp, binary.BigEndian.AppendUint32(nil, uint32(t.at)))
	return t
}

// close writes the size of the open cluster.
func (t *tape) close() *tape {
	if t.sized && t.opened > 0 {
		binary.BigEndian.PutUint64(t.b[t.opened-8:], 1<<56|uint64(len(t.b)-t.opened))
	}
	return t
}

// simple writes n SimpleBlocks; the cluster must have been opened at base.
func (t *tape) simple(base int64, n int) *tape {
	for range n {
		t.raw(appendBytes(nil, idSimpleBlock, blockBody(t.at-base, 0x80, frame(t.at))))
		t.at += frameMS
	}
	return t
}

// group writes a BlockGroup with padding.
func (t *tape) group(base int64, padding time.Duration) *tape {
	body := appendBytes(nil, idBlock, blockBody(t.at-base, 0, frame(t.at)))
	t.raw(appendBytes(nil, idBlockGroup, appendUint(body, idDiscard, uint64(padding))))
	t.at += frameMS
	return t
}

// raw writes a block as it is given.
func (t *tape) raw(b []byte) *tape {
	t.b = append(t.b, b...)
	t.blocks = append(t.blocks, len(t.b))
	return t
}

func blockBody(offset int64, flags byte, payload []byte) []byte {
	return append([]byte{0x81, byte(offset >> 8), byte(offset), flags}, payload...)
}

// minute is a whole recording: twelve clusters of five seconds, the last block
// padded as recorders end.
func minute() *tape {
	t := newTape(2)
	for range 12 {
		base := t.at
		t.cluster().simple(base, 83)
	}
	return t.group(t.at-83*frameMS, 20*time.Millisecond).close()
}

func claimOf(file []byte, length time.Duration) Claim {
	sum := sha256.Sum256(file)
	return Claim{ContentType: "audio/webm;codecs=opus", Size: int64(len(file)), SHA256: hex.EncodeToString(sum[:]), Duration: length}
}

// rewritten runs both passes.
func rewritten(t *testing.T, file []byte, claim Claim) (*Plan, []byte) {
	t.Helper()
	plan, err := Inspect(bytes.NewReader(file), claim)
	if err != nil {
		t.Fatalf("inspect: %v", err)
	}
	var out bytes.Buffer
	if err := plan.Rewrite(&out, bytes.NewReader(file)); err != nil {
		t.Fatalf("rewrite: %v", err)
	}
	if int64(out.Len()) != plan.Size {
		t.Fatalf("wrote %d bytes, planned %d", out.Len(), plan.Size)
	}
	return plan, out.Bytes()
}
