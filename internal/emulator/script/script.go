package script

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A Script is the steps that a server has been given. It is safe for concurrent use. A nil Script has
// none.
type Script struct {
	operations []string

	mu    sync.Mutex // guards steps
	steps []*entry
}

// An entry is a step and how often it has been taken.
type entry struct {
	Step
	number           int    // from 1
	where            string // in which file, for people
	operation, model func(string) bool
	text             *regexp.Regexp // nil for any
	taken            int
}

// New returns an empty Script for a server that has these operations.
func New(operations []string) *Script { return &Script{operations: operations} }

// Add adds steps behind those that are there. If one of them is faulty none is added, and the error
// says all that is wrong.
func (s *Script) Add(steps ...Step) error {
	var wrong []error
	for i, step := range steps {
		for _, f := range step.faults(s.operations) {
			wrong = append(wrong, fmt.Errorf("%s: %s", place(i, f.path), f.message))
		}
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	s.append(steps, func(int) string { return "" })
	return nil
}

// place is the path of something in the step of that index.
func place(i int, path string) string {
	step := fmt.Sprintf("steps[%d]", i)
	if path == "" {
		return step
	}
	return join(step, path)
}

// Load adds the steps of a script file, of which name is the name. If anything is wrong with it no
// step is added, and the error says what is wrong, a line each, with the file's lines; of very much,
// the first part.
func (s *Script) Load(name string, data []byte) error {
	d := &decoder{lines: map[string]int{}}
	steps := d.read(data).Steps
	unread := slices.Clone(d.faults)
	for i, step := range steps {
		if d.full() {
			break
		}
		for _, f := range step.faults(s.operations) {
			path := place(i, f.path)
			within := func(u fault) bool { return path == u.path || strings.HasPrefix(path, u.path+".") }
			if !slices.ContainsFunc(unread, within) { // what could not be read is not missing as well
				d.fault(path, "%s", f.message)
			}
		}
	}
	if len(d.faults) > 0 {
		return d.told(name)
	}
	s.append(steps, func(i int) string { return fmt.Sprintf(" (%s:%d)", name, d.line(place(i, ""))) })
	return nil
}

// told returns the faults in the order of the file.
func (d *decoder) told(name string) error {
	slices.SortStableFunc(d.faults, func(a, b fault) int { return cmp.Compare(d.line(a.path), d.line(b.path)) })
	var all []error
	for i, f := range d.faults {
		if i == maxFaults {
			all = append(all, fmt.Errorf("%s: there is more", name))
			break
		}
		where := fmt.Sprintf("%s:%d: ", name, d.line(f.path))
		if f.path != "" {
			where += f.path + ": "
		}
		all = append(all, errors.New(where+f.message))
	}
	return errors.Join(all...)
}

func (s *Script) append(steps []Step, where func(int) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.steps)
	for i, step := range steps {
		e := &entry{Step: step, number: before + i + 1, where: where(i), operation: step.When.operation(), model: glob(step.When.Model)}
		if step.When.Text != "" {
			e.text = regexp.MustCompile(step.When.Text) // Step.faults has seen it
		}
		s.steps = append(s.steps, e)
	}
}

// A Call is what a step is chosen by.
type Call struct {
	Operation string
	Model     string        // the identifier in the path
	Text      func() string // what the user wrote last; called only if a step asks
}

// Take takes the step for a call and returns it with its number, from 1; nil if there is none. As long
// as a request is unproven only an Unchecked step is for it: a request that is refused uses nothing up.
func (s *Script) Take(c Call, unproven bool) (*Step, int) {
	if s == nil {
		return nil, 0
	}
	c.Text = sync.OnceValue(c.Text)
	for _, e := range s.open() {
		waits := unproven && !e.Unchecked
		if !e.fits(c) || !s.claim(e, !waits) {
			continue
		}
		if waits {
			return nil, 0
		}
		return &e.Step, e.number
	}
	return nil, 0
}

// open returns the steps that are not used up. What a call is held to may be long, so that is done
// outside the lock, and a step that fits is claimed.
func (s *Script) open() []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.steps)
	return slices.DeleteFunc(out, (*entry).spent)
}

// claim reports whether a step is not used up, and takes it if take says so.
func (s *Script) claim(e *entry, take bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.spent() {
		return false
	}
	if take {
		e.taken++
	}
	return true
}

func (e *entry) fits(c Call) bool {
	return e.serves(c.Operation) && e.operation(c.Operation) && e.model(c.Model) && (e.text == nil || e.text.MatchString(c.Text()))
}

func (e *entry) spent() bool { return !e.Always && e.taken >= e.times() }

func (e *entry) times() int {
	if e.Times == nil {
		return 1
	}
	return *e.Times
}

// Unused says of each step that is not used up how often it was taken, in order. A step for every call
// is not among them: it may be there for calls that must not come.
func (s *Script) Unused() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, e := range s.steps {
		if !e.Always && e.taken < e.times() {
			out = append(out, fmt.Sprintf("step %d%s was taken %d of %d times", e.number, e.where, e.taken, e.times()))
		}
	}
	return out
}

// glob returns a matcher for a pattern in which * stands for any text and ? for any character. The
// empty pattern matches everything.
func glob(pattern string) func(string) bool {
	if pattern == "" {
		pattern = "*"
	}
	pattern = strings.ToValidUTF8(pattern, "\uFFFD") // or it would not compile
	quoted := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`(?s)^` + quoted + `$`).MatchString
}

// filter returns what of list is so.
func filter(list []string, so func(string) bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, s := range list {
			if so(s) && !yield(s) {
				return
			}
		}
	}
}
