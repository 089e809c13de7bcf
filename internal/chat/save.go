package chat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// Save writes the conversation to a file that only its owner can read: as Markdown if the name ends
// in .md, else as a JSON body of the Messages API. A file that is there is replaced only if replace
// says so; the error is fs.ErrExist otherwise.
func (c *Conversation) Save(path string, replace bool) error {
	text := c.json()
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".md" || ext == ".markdown" {
		text = c.markdown()
	}
	how := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	if replace {
		how = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	file, err := os.OpenFile(path, how, 0o600)
	if err != nil {
		return pathError(err)
	}
	_, err = file.Write(text)
	return cmp.Or(err, file.Close())
}

// json is the conversation as a body to which one turn more can be added and sent.
func (c *Conversation) json() []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, c.body(c.turns, false), "", "  "); err != nil {
		panic(err) // it is our own
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// markdown is the conversation as people read it.
func (c *Conversation) markdown() []byte {
	var b bytes.Buffer
	b.WriteString("# Conversation\n")
	if c.System != "" {
		fmt.Fprintf(&b, "\nSystem: %s\n", c.System)
	}
	for _, t := range c.turns {
		fmt.Fprintf(&b, "\n## %s\n", t.who())
		for _, name := range t.names {
			fmt.Fprintf(&b, "\nAttached: %s\n", name)
		}
		for _, block := range t.content {
			switch kind := member(block, "type"); kind {
			case "text", "thinking":
				text := strings.TrimRight(member(block, kind), "\n")
				if kind == "thinking" && text != "" {
					text = "> " + strings.ReplaceAll(text, "\n", "\n> ")
				}
				if text != "" {
					fmt.Fprintf(&b, "\n%s\n", text)
				}
			}
		}
	}
	return b.Bytes()
}

func (t turn) who() string {
	if t.role == "user" {
		return "You"
	}
	return modelName(t.model)
}

// modelName is how people call a model.
func modelName(id string) string {
	if m, ok := catalog.Lookup(id); ok {
		return m.Name
	}
	return id
}
