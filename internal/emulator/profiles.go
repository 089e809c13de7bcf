package emulator

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	systemDefined = "SYSTEM_DEFINED"
	application   = "APPLICATION"
)

func (s *Server) listInferenceProfiles(c *call) error {
	kind, _ := c.input["typeEquals"].(string)
	all := slices.DeleteFunc(s.profiles(c.who), func(p map[string]any) bool { return kind != "" && p["type"] != kind })
	page, next, err := cutPage(all, c.input, kind)
	if err != nil {
		return err
	}
	return c.output(map[string]any{"inferenceProfileSummaries": page, "nextToken": next})
}

func (s *Server) getInferenceProfile(c *call) error {
	for _, p := range s.profiles(c.who) {
		if c.modelID == p["inferenceProfileId"] || c.modelID == p["inferenceProfileArn"] {
			return c.output(p)
		}
	}
	return notFound("profile_invalid")
}

// profiles are what the control plane says of all profiles of the account in the Region, the system's
// first.
func (s *Server) profiles(who identity) []map[string]any {
	var out []map[string]any
	for _, m := range foundationModels() {
		if s.serves(m) != nil {
			continue
		}
		for _, p := range m.profiles(s.cfg.Region) {
			out = append(out, map[string]any{
				"inferenceProfileName": p.geography() + " " + m.fullName(), "description": p.description(),
				"createdAt": m.day(), "updatedAt": m.day(), "inferenceProfileArn": s.profileARN("inference-profile", p.id, who.account),
				"models": s.destinations(p), "inferenceProfileId": p.id, "status": "ACTIVE", "type": systemDefined,
			})
		}
	}
	for _, a := range s.cfg.ApplicationProfiles {
		p := map[string]any{
			"inferenceProfileName": cmp.Or(a.Name, a.ID), "description": a.Description,
			"createdAt": s.created, "updatedAt": s.created, "inferenceProfileArn": s.profileARN("application-inference-profile", a.ID, who.account),
			"models": s.sources(a), "inferenceProfileId": a.ID, "status": "ACTIVE", "type": application,
		}
		if a.Description == "" {
			delete(p, "description")
		}
		out = append(out, p)
	}
	return out
}

func (s *Server) profileARN(kind, id, account string) string {
	return fmt.Sprintf("arn:%s:bedrock:%s:%s:%s/%s", partition(s.cfg.Region), s.cfg.Region, account, kind, id)
}

// destinations are the models that a profile routes to, one for each Region. A global profile has two:
// one without a Region, which stands for all, and that of the source Region (recorded in July 2026, see
// internal/recordings).
func (s *Server) destinations(p profile) []map[string]any {
	regions := p.destinations
	if p.prefix == "global" {
		regions = []string{"", s.cfg.Region}
	}
	var out []map[string]any
	for _, region := range regions {
		out = append(out, map[string]any{"modelArn": s.modelARN(region, p.model)})
	}
	return out
}

// sources are the models of an application profile: those of the profile that it was copied from, or
// the one model.
func (s *Server) sources(a ApplicationProfile) []map[string]any {
	m, direct, _ := s.findName(a.source())
	if direct {
		return []map[string]any{{"modelArn": s.modelARN(s.cfg.Region, m)}}
	}
	for _, p := range m.profiles(s.cfg.Region) {
		if p.id == a.source() {
			return s.destinations(p)
		}
	}
	return nil
}

func (m model) fullName() string { return m.provider + " " + m.name }

// geography is what the name of a profile calls its prefix.
func (p profile) geography() string {
	if p.prefix == "global" {
		return "Global"
	}
	return strings.ToUpper(p.prefix)
}

// description says where a profile routes.
func (p profile) description() string {
	if p.prefix == "global" {
		return "Routes requests to " + p.model.fullName() + " globally across all supported AWS Regions."
	}
	return "Routes requests to " + p.model.fullName() + " in " + strings.Join(p.destinations, ", ") + "."
}

// defaultPage is how many profiles come back where the client does not say.
const defaultPage = 100

// cutPage returns the part of a list that maxResults and nextToken ask for, and the token of the next
// one, nil if there is none. A token is good for the filter that it was made for only.
func cutPage(all []map[string]any, input map[string]any, filter string) (page []map[string]any, next any, err error) {
	start, size := 0, defaultPage
	if n, ok := input["maxResults"].(json.Number); ok {
		size, _ = strconv.Atoi(string(n)) // an integer, by the service model
	}
	if token, ok := input["nextToken"].(string); ok {
		raw, _ := base64.RawURLEncoding.DecodeString(token)
		number, ours := strings.CutSuffix(string(raw), ":"+filter)
		if start, err = strconv.Atoi(number); err != nil || !ours || start < 0 || start > len(all) {
			return nil, nil, invalid("next_token_invalid")
		}
	}
	end := min(start+size, len(all))
	if end < len(all) {
		next = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d:%s", end, filter))
	}
	return all[start:end], next, nil
}
