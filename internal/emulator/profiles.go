package emulator

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// Shapes of inference profiles.

type profileSummary struct {
	Name        string         `json:"inferenceProfileName"`
	Description string         `json:"description,omitempty"`
	CreatedAt   string         `json:"createdAt,omitempty"`
	UpdatedAt   string         `json:"updatedAt,omitempty"`
	ARN         string         `json:"inferenceProfileArn"`
	Models      []profileModel `json:"models"`
	ID          string         `json:"inferenceProfileId"`
	Status      string         `json:"status"`
	Type        string         `json:"type"`
}

type profileModel struct {
	ModelARN string `json:"modelArn"`
}

const (
	systemDefined = "SYSTEM_DEFINED"
	application   = "APPLICATION"
)

func (s *Server) listInferenceProfiles(c *call) error {
	q := c.r.URL.Query()
	if err := checkEnum(q, "type", []string{systemDefined, application}); err != nil {
		return err
	}
	page, err := readPage(q)
	if err != nil {
		return err
	}
	profiles := slices.DeleteFunc(s.profiles(c.who), func(p profileSummary) bool { return q.Has("type") && q.Get("type") != p.Type })
	out := struct {
		Summaries []profileSummary `json:"inferenceProfileSummaries"`
		NextToken string           `json:"nextToken,omitempty"`
	}{Summaries: []profileSummary{}}
	if page.start > len(profiles) {
		return errNextToken
	}
	end := min(page.start+page.size, len(profiles))
	out.Summaries = append(out.Summaries, profiles[page.start:end]...)
	if end < len(profiles) {
		out.NextToken = page.token(end)
	}
	return c.answer(out)
}

func (s *Server) getInferenceProfile(c *call) error {
	for _, p := range s.profiles(c.who) {
		if c.modelID == p.ID || c.modelID == p.ARN {
			return c.answer(p)
		}
	}
	return notFound("The provided inference profile identifier is invalid.") // the wording is assumed
}

// profiles are all profiles of the account in the Region, the system's first.
func (s *Server) profiles(who identity) []profileSummary {
	var out []profileSummary
	for _, p := range s.systemProfiles() {
		at := released(p.Model)
		out = append(out, profileSummary{
			Name:        geography(p.Prefix) + " " + provider + " " + p.Model.Name,
			Description: description(p.Prefix, provider+" "+p.Model.Name, p.Destinations),
			CreatedAt:   at, UpdatedAt: at, ARN: s.profileARN("inference-profile", p.ID, who.account),
			Models: s.destinations(p), ID: p.ID, Status: "ACTIVE", Type: systemDefined,
		})
	}
	for _, p := range catalog.OtherProfiles(s.cfg.Region) {
		name := p.Model.Provider + " " + p.Model.Name
		out = append(out, profileSummary{
			Name: geography(p.Prefix) + " " + name, Description: description(p.Prefix, name, p.Destinations),
			ARN:    s.profileARN("inference-profile", p.ID, who.account),
			Models: s.otherDestinations(p), ID: p.ID, Status: "ACTIVE", Type: systemDefined,
		})
	}
	for _, a := range s.cfg.ApplicationProfiles {
		at := s.created.UTC().Format(time.RFC3339Nano)
		summary := profileSummary{
			Name: a.Name, Description: a.Description, CreatedAt: at, UpdatedAt: at, ID: a.ID,
			ARN: s.profileARN("application-inference-profile", a.ID, who.account), Status: "ACTIVE", Type: application,
		}
		if summary.Name == "" {
			summary.Name = a.ID
		}
		if p, ok := s.systemProfile(a.Source[strings.LastIndex(a.Source, "/")+1:]); ok {
			summary.Models = s.destinations(p)
		} else if m, ok := catalog.Lookup(a.Source); ok {
			summary.Models = []profileModel{{s.modelARN(s.cfg.Region, m)}}
		} else {
			summary.Models = s.otherSources(a)
		}
		out = append(out, summary)
	}
	return out
}

// otherSources are the models of an application profile that wraps another family's.
func (s *Server) otherSources(a ApplicationProfile) []profileModel {
	name := a.Source[strings.LastIndex(a.Source, "/")+1:]
	if p, ok := catalog.LookupOtherProfile(name, s.cfg.Region); ok {
		return s.otherDestinations(p)
	}
	if m, ok := catalog.LookupOther(name); ok {
		return []profileModel{{s.otherARN(s.cfg.Region, m)}}
	}
	return nil
}

func (s *Server) profileARN(kind, id, account string) string {
	return fmt.Sprintf("arn:%s:bedrock:%s:%s:%s/%s", partition(s.cfg.Region), s.cfg.Region, account, kind, id)
}

// destinations are the models that a profile routes to, one for each Region. A global profile has two:
// one without a Region, which stands for all, and that of the source Region (recorded in July 2026, see
// testdata/recordings).
func (s *Server) destinations(p catalog.Profile) []profileModel {
	regions := p.Destinations
	if p.Prefix == "global" {
		regions = []string{"", s.cfg.Region}
	}
	var out []profileModel
	for _, region := range regions {
		out = append(out, profileModel{s.modelARN(region, p.Model)})
	}
	return out
}

func (s *Server) otherDestinations(p catalog.OtherProfile) []profileModel {
	var out []profileModel
	for _, region := range p.Destinations {
		out = append(out, profileModel{s.otherARN(region, p.Model)})
	}
	if p.Prefix == "global" {
		out = append(out, profileModel{s.otherARN("", p.Model)})
	}
	return out
}

// geography is what the name of a profile calls its prefix.
func geography(prefix string) string {
	if prefix == "global" {
		return "Global"
	}
	return strings.ToUpper(prefix)
}

// description says where a profile routes; name is the model's, the provider's before it.
func description(prefix, name string, destinations []string) string {
	if prefix == "global" {
		return "Routes requests to " + name + " globally across all supported AWS Regions."
	}
	return "Routes requests to " + name + " in " + strings.Join(destinations, ", ") + "."
}

// A page is which part of a list is asked for.
type page struct {
	start, size int
	filter      string // the token is good for the same filter only
}

// defaultPage is how many profiles come back where the client does not say.
const defaultPage = 100

var errNextToken = invalid("The provided nextToken is invalid.") // the wording is assumed

func readPage(q url.Values) (page, error) {
	p := page{size: defaultPage, filter: q.Get("type")}
	if q.Has("maxResults") {
		n, err := strconv.Atoi(q.Get("maxResults"))
		if err != nil || n < 1 || n > 1000 {
			return p, invalid("1 validation error detected: Value '%s' at 'maxResults' failed to satisfy constraint: Member must be between 1 and 1000", q.Get("maxResults"))
		}
		p.size = n
	}
	if !q.Has("nextToken") {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.Get("nextToken"))
	start, filter, _ := strings.Cut(string(raw), ":")
	n, notNumber := strconv.Atoi(start)
	if err != nil || notNumber != nil || n < 0 || filter != p.filter {
		return p, errNextToken
	}
	p.start = n
	return p, nil
}

func (p page) token(start int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d:%s", start, p.filter))
}
