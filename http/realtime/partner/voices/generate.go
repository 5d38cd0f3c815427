//go:build ignore

// Command generate speaks the partner's lines.
//
//	apt-get install espeak-ng opus-tools
//	go generate ./http/realtime/partner
//
// It reads ../scripts/*.json and writes, beside itself, one Ogg Opus file for
// each line of a tutor (mono, 20 ms a packet and one packet a page, so that
// the partner can pass packets on untouched) and lengths.json: how long each
// line of a learner takes, in ms. A few of the learner's lines are spoken too,
// by another voice, into ../testdata/learner, for tests.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// voice is one speaker of espeak-ng.
type voice struct {
	name  string
	speed int // words a minute
	pitch int // 0 to 99
	gap   int // silence between words, in 10 ms
}

// tutors speak a little slower than people do among themselves.
var tutors = map[string]voice{
	"en-US": {"en-us+Annie", 150, 48, 2},
	"es-MX": {"es-419+Alicia", 148, 48, 2},
}

// learners are what the length of a line is taken from.
var learners = map[string]voice{
	"en-US": {"en-us+m3", 145, 45, 0},
	"es-MX": {"es-419+m3", 145, 45, 0},
}

// spokenByLearners are the lines that tests need to hear.
var spokenByLearners = map[string]bool{"cafe-1-a": true, "cafe-2-b": true, "cafe-3-a": true}

type script struct {
	Slug      string     `json:"slug"`
	Language  string     `json:"language"`
	Exchanges []exchange `json:"exchanges"`
	Closings  []exchange `json:"closings"`
	Again     string     `json:"again"`
}

type exchange struct {
	Tutor   string   `json:"tutor"`
	Learner []string `json:"learner"`
}

func main() {
	paths, err := filepath.Glob("scripts/*.json")
	if err != nil || len(paths) == 0 {
		log.Fatalf("no scripts here; run it by go generate: %v", err)
	}
	lengths := map[string]int{}
	for _, path := range paths {
		if err := speak(path, lengths); err != nil {
			log.Fatalf("%s: %v", path, err)
		}
	}
	text, err := json.MarshalIndent(lengths, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("voices/lengths.json", append(text, '\n'), 0o644); err != nil {
		log.Fatal(err)
	}
}

func speak(path string, lengths map[string]int) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var s script
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	tutor, learner := tutors[s.Language], learners[s.Language]
	for i, e := range append(s.Exchanges, s.Closings...) {
		id := s.Slug + "-" + strconv.Itoa(i+1)
		if err := record(tutor, e.Tutor, filepath.Join("voices", id+"-tutor.ogg")); err != nil {
			return err
		}
		for j, line := range e.Learner {
			if err := measure(learner, line, fmt.Sprintf("%s-%c", id, 'a'+j), lengths); err != nil {
				return err
			}
		}
	}
	return record(tutor, s.Again, filepath.Join("voices", s.Slug+"-again.ogg"))
}

// measure notes how long a learner's line takes, and records it if tests
// need it.
func measure(v voice, line, id string, lengths map[string]int) error {
	wav, ms, err := say(v, line)
	if err != nil {
		return err
	}
	lengths[id] = ms
	if spokenByLearners[id] {
		return encode(wav, filepath.Join("testdata", "learner", id+".ogg"))
	}
	return nil
}

func record(v voice, line, path string) error {
	wav, _, err := say(v, line)
	if err != nil {
		return err
	}
	return encode(wav, path)
}

func encode(wav []byte, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// A max-delay of one frame makes one packet a page; a fixed serial
	// number makes the same file every time.
	cmd := exec.Command("opusenc", "--quiet", "--speech", "--bitrate", "24",
		"--framesize", "20", "--max-delay", "20", "--serial", "1", "--discard-comments", "-", path)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(wav), os.Stderr
	return cmd.Run()
}

const wavHeader = 44

// say gives a WAV without silence at its ends, and its length in ms.
func say(v voice, line string) ([]byte, int, error) {
	cmd := exec.Command("espeak-ng", "-v", v.name, "-s", strconv.Itoa(v.speed),
		"-p", strconv.Itoa(v.pitch), "-g", strconv.Itoa(v.gap), "--stdout", strings.TrimSpace(line))
	cmd.Stderr = os.Stderr
	wav, err := cmd.Output()
	if err != nil || len(wav) < wavHeader {
		return nil, 0, fmt.Errorf("espeak-ng %q: %d bytes, %w", line, len(wav), err)
	}
	rate := int(binary.LittleEndian.Uint32(wav[24:]))
	sound := trim(wav[wavHeader:])
	out := append([]byte(nil), wav[:wavHeader]...)
	binary.LittleEndian.PutUint32(out[4:], uint32(wavHeader-8+len(sound)))
	binary.LittleEndian.PutUint32(out[40:], uint32(len(sound)))
	return append(out, sound...), len(sound) / 2 * 1000 / rate, nil
}

// trim cuts what is nearly silent from both ends of 16-bit samples.
func trim(sound []byte) []byte {
	loud := func(i int) bool {
		sample := int16(binary.LittleEndian.Uint16(sound[i:]))
		return sample > 300 || sample < -300
	}
	from, to := 0, len(sound)&^1
	for from < to && !loud(from) {
		from += 2
	}
	for to > from && !loud(to-2) {
		to -= 2
	}
	return sound[from:to]
}
