package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"
)

// figure is one line of the result. Baseline and Ratio are nil where nothing is
// compared.
type figure struct {
	Name     string   `json:"name"`
	Value    float64  `json:"value"`
	Unit     string   `json:"unit"`
	Baseline *float64 `json:"baseline"`
	Ratio    *float64 `json:"ratio"`
}

// alone is a figure without a baseline.
func alone(name string, value float64, unit string) figure {
	return figure{Name: name, Value: value, Unit: unit}
}

// beside is a figure and what it is compared with.
func beside(name string, value float64, unit string, baseline float64) figure {
	f := alone(name, value, unit)
	if baseline > 0 {
		ratio := value / baseline
		f.Baseline, f.Ratio = &baseline, &ratio
	}
	return f
}

// The units of the table.
const (
	perSecond    = "events/s"
	milliseconds = "ms"
	seconds      = "s"
	percent      = "%"
	mebibytes    = "MiB"
	kibibytes    = "KiB"
	megabytes    = "MB/s"
)

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// report takes figures as they are measured.
type report interface {
	began()
	add(f ...figure)
	// value is that of a figure that was added; zero if there is none.
	value(name string) float64
}

// kept remembers figures by name.
type kept map[string]float64

func (k kept) value(name string) float64 { return k[name] }

// lines prints JSON lines, and nothing else.
type lines struct {
	kept
	out *json.Encoder
}

func newLines(out io.Writer) *lines { return &lines{kept{}, json.NewEncoder(out)} }

func (l *lines) began() {}

func (l *lines) add(figures ...figure) {
	for _, f := range figures {
		l.kept[f.Name] = f.Value
		_ = l.out.Encode(f) // standard output is gone; the next write of anyone will tell
	}
}

// table prints aligned columns, line by line: a run is long.
type table struct {
	kept
	out io.Writer
}

func newTable(out io.Writer) *table { return &table{kept{}, out} }

const lineFormat = "%-26s %12s  %-9s %12s %8s\n"

func (t *table) began() {
	fmt.Fprintf(t.out, "%s/%s, %d cores, %s; ratio = measured / baseline\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	fmt.Fprintf(t.out, lineFormat, "", "measured", "", "baseline", "ratio")
}

func (t *table) add(figures ...figure) {
	for _, f := range figures {
		t.kept[f.Name] = f.Value
		baseline, ratio := "", ""
		if f.Baseline != nil {
			baseline, ratio = shown(*f.Baseline), fmt.Sprintf("%.2f", *f.Ratio)
		}
		fmt.Fprintf(t.out, lineFormat, f.Name, shown(f.Value), f.Unit, baseline, ratio)
	}
}

// shown keeps three digits that matter.
func shown(n float64) string {
	switch {
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2f", n)
}
