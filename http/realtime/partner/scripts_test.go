package partner

import (
	"slices"
	"testing"
	"time"
)

func TestScripts(t *testing.T) {
	scripts, err := Scripts()
	if err != nil {
		t.Fatal(err)
	}
	languages, ids := map[string]bool{}, map[string]bool{}
	for _, s := range scripts {
		languages[s.Language] = true
		if len(s.TopicID) != 26 || ids[s.TopicID] || s.Title == "" || s.Scenario == "" ||
			len(s.Goals) == 0 || len(s.Phrases) == 0 || len(s.Closings) == 0 {
			t.Errorf("%s is not whole", s.Slug)
		}
		ids[s.TopicID] = true
		for _, e := range slices.Concat(s.Exchanges, s.Closings) {
			if e.Tutor.Length < time.Second || len(e.Learner) < 2 {
				t.Errorf("%s is not whole", e.Tutor.ID)
			}
		}
		if len(s.Exchanges) < 6 {
			t.Errorf("%s has %d exchanges", s.Slug, len(s.Exchanges))
		}
	}
	if len(scripts) < 6 || len(languages) != 2 {
		t.Errorf("%d scripts in %d languages", len(scripts), len(languages))
	}
}

func TestScriptIsFound(t *testing.T) {
	prepared, err := loadLibrary()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ prompt, language, want string }{
		"by its topic":                    {"01KAPTNRH0TE1ENB1T8K2C6ZDE", "es", "hotel"},
		"by its slug":                     {"interview", "", "interview"},
		"by language, for others' topics": {"01K00000000000000000000000", "es", "consulta"},
		"somehow, for other languages":    {"", "fi", "cafe"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := prepared.script(test.prompt, test.language).Slug; got != test.want {
				t.Errorf("got %s", got)
			}
		})
	}
}
