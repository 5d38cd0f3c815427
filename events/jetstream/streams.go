package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// Stream names and subjects are made here and nowhere else: a log that is
// split by month one day changes this file (design section 10).
const (
	logStream    = "PARLEY"
	keyStream    = "PARLEY_KEYS"
	signInStream = "PARLEY_SIGNINS"
	ledgerStream = "PARLEY_ERASED"
	timerStream  = "PARLEY_TIMERS"

	logPrefix    = "parley."
	signInPrefix = "parley_signins."
	ledgerPrefix = "parley_erased."
	armedPrefix  = "parley_timers.armed."
	duePrefix    = "parley_timers.due."

	// Stream metadata. The epoch tells one log from another, the vault one vault
	// from another, in all its generations; the check is a known text under the
	// master key.
	epochMetadata = "parley_epoch"
	vaultMetadata = "parley_vault"
	checkMetadata = "parley_master_key_check"
)

// keyStreamOf names the stream of a generation of the vault. Rotation writes the
// next one under a new master key (design section 4, Vault).
func keyStreamOf(generation int) string {
	if generation == 1 {
		return keyStream
	}
	return keyStream + "_" + strconv.Itoa(generation)
}

// generationOf reads a key stream's name back; 0 for another stream.
func generationOf(stream string) int {
	if stream == keyStream {
		return 1
	}
	digits, is := strings.CutPrefix(stream, keyStream+"_")
	number, err := strconv.Atoi(digits)
	if !is || err != nil || keyStreamOf(number) != stream {
		return 0
	}
	return number
}

func keyPrefixOf(generation int) string { return "parley_keys." + strconv.Itoa(generation) + "." }

// subjectOf is an aggregate's subject. Errors: CodeInvalid for an id that
// could reach another subject.
func subjectOf(a events.Aggregate) (string, error) {
	id := a.ID
	if hour, shard, parted := strings.Cut(id, "."); parted && a.Kind == events.KindOfAudit && isToken(shard) {
		id = hour
	}
	if !isToken(string(a.Kind)) || !isToken(id) {
		return "", events.Errorf(events.CodeInvalid, "an aggregate needs a kind and an id of letters, digits, - and _")
	}
	return logPrefix + string(a.Kind) + "." + a.ID, nil
}

// aggregateOf reads a subject of the log back. What has more parts than kind
// and id (audit of unknown accounts) keeps them in its id.
func aggregateOf(subject string) events.Aggregate {
	kind, id, _ := strings.Cut(strings.TrimPrefix(legible(subject), logPrefix), ".")
	return events.Aggregate{Kind: events.AggregateKind(kind), ID: id}
}

// legible is a text of a message as every store keeps it: JSON has no bytes that
// are not UTF-8, and PostgreSQL no zero byte. What is compared later on must have
// been made alike when it was first read.
func legible(text string) string {
	return strings.Map(func(c rune) rune {
		if c == 0 {
			return utf8.RuneError
		}
		return c
	}, text)
}

func isToken(text string) bool {
	for _, c := range []byte(text) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return text != ""
}

// plain is what all streams share: on disk, without a limit that would drop
// anything, and without compression, which has had the most recent corruption
// fixes (event log page, Durability). Deletion stays allowed: it cannot be
// allowed again later.
func plain(name string, replicas int, subjects ...string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              name,
		Subjects:          subjects,
		Storage:           jetstream.FileStorage,
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardNew,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgsPerSubject: -1,
		Duplicates:        time.Second, // no message carries an id; the least window there is
		Replicas:          replicas,
	}
}

func logConfig(replicas int, epoch string) jetstream.StreamConfig {
	c := plain(logStream, replicas,
		logPrefix+"session.*", logPrefix+"account.*", logPrefix+"topic.*", logPrefix+"email.*", logPrefix+"identity.*", logPrefix+"call.*", logPrefix+"audit.>")
	c.AllowAtomicPublish = true
	c.AllowDirect = true
	c.Metadata = map[string]string{epochMetadata: epoch}
	return c
}

// keyConfig is that of a generation of the vault. Keys are never read from
// replicas, which may not know yet that one was destroyed.
func keyConfig(replicas, generation int, vault, check string) jetstream.StreamConfig {
	c := plain(keyStreamOf(generation), replicas, keyPrefixOf(generation)+">")
	c.AllowAtomicPublish = true
	c.Metadata = map[string]string{vaultMetadata: vault, checkMetadata: check}
	return c
}

func signInConfig(replicas int) jetstream.StreamConfig {
	c := plain(signInStream, replicas, signInPrefix+">")
	c.AllowMsgTTL = true
	c.MaxMsgsPerSubject = 1
	c.Discard = jetstream.DiscardOld
	return c
}

func ledgerConfig(replicas int) jetstream.StreamConfig {
	return plain(ledgerStream, replicas, ledgerPrefix+"*")
}

// timerConfig is a work queue: in a plain stream what has rung would stay for
// ever, and under the log's subjects it would be an event.
func timerConfig(replicas int) jetstream.StreamConfig {
	c := plain(timerStream, replicas, armedPrefix+"*", duePrefix+"*")
	c.Retention = jetstream.WorkQueuePolicy
	c.Discard = jetstream.DiscardOld // schedules ask for it; without limits nothing is discarded
	c.AllowMsgSchedules = true
	return c
}

// ensure finds a stream, or makes it where there is none. One that is there is
// left as it is: its settings are its operator's.
func ensure(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	info, err := lookUp(ctx, js, config.Name)
	if err != nil || info != nil {
		return info, err
	}
	made, err := js.CreateStream(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return lookUp(ctx, js, config.Name) // another instance was faster
	}
	if err != nil {
		return nil, unavailable(err, fmt.Sprintf("stream %s cannot be made", config.Name))
	}
	return made.CachedInfo(), nil
}

// widen is ensure, and gives a stream that an earlier Parley made the subjects
// which that did not know.
func widen(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) error {
	info, err := ensure(ctx, js, config)
	if err != nil {
		return err
	}
	lacks := func(subject string) bool { return !slices.Contains(info.Config.Subjects, subject) }
	if !slices.ContainsFunc(config.Subjects, lacks) {
		return nil
	}
	wider := info.Config
	wider.Subjects = config.Subjects
	if _, err := js.UpdateStream(ctx, wider); err != nil {
		return unavailable(err, fmt.Sprintf("stream %s cannot be given its subjects", config.Name))
	}
	return nil
}

// lookUp asks the server about a stream; nil when there is none.
func lookUp(ctx context.Context, js jetstream.JetStream, name string) (*jetstream.StreamInfo, error) {
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(err, fmt.Sprintf("stream %s cannot be looked up", name))
	}
	return stream.CachedInfo(), nil
}

// unavailable translates an error of NATS.
func unavailable(err error, message string) error {
	return events.Wrap(err, events.CodeUnavailable, message)
}
