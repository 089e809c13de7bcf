package claude

import "github.com/outcrop-dev/outcrop/internal/catalog"

// Limits of pictures and PDFs in one request (features.json; Anthropic, vision and PDF support).
const (
	fewMedia      = 100     // pictures, and pages of PDFs
	manyMedia     = 600     // of models with a context of a million tokens
	imageBytes    = 5 << 20 // of its base64, as the refusals that users quote count it
	imagePixels   = 8000    // of an edge
	crowdedImages = 20      // above so many, an edge may have
	crowdedPixels = 2000
)

// mediaLimit is how many pictures, or pages, a request may have.
func mediaLimit(r *Request, m catalog.Model) int {
	if contextTokens(r, m) >= longContextTokens {
		return manyMedia
	}
	return fewMedia
}

// media returns the pictures and PDFs of the request, those in tools' results among them.
func (r *Request) media() []*media {
	var out []*media
	var gather func(b block)
	gather = func(b block) {
		if b.media != nil {
			out = append(out, b.media)
		}
		for _, inner := range b.inner {
			gather(inner)
		}
	}
	for b := range r.blocks() {
		gather(b)
	}
	return out
}

func (r *Request) images() []*media {
	var out []*media
	for _, m := range r.media() {
		if m.pages == 0 {
			out = append(out, m)
		}
	}
	return out
}

func imagesAreFew(r *Request, in Setting) error {
	if n, limit := len(r.images()), mediaLimit(r, in.Model); n > limit {
		return refuse("images_too_many", "limit", limit, "found", n)
	}
	return nil
}

func imagesAreSmall(r *Request, _ Setting) error {
	images := r.images()
	for _, m := range images {
		switch long := max(m.width, m.height); {
		case m.encoded > imageBytes:
			return refuse("image_bytes", "path", m.path, "bytes", m.encoded, "limit", imageBytes)
		case long > imagePixels:
			return refuse("image_pixels", "path", m.path+".data", "limit", imagePixels)
		case len(images) > crowdedImages && long > crowdedPixels:
			return refuse("image_pixels_crowded", "path", m.path+".data", "limit", crowdedPixels)
		}
	}
	return nil
}

func pagesAreFew(r *Request, in Setting) error {
	pages, limit := 0, mediaLimit(r, in.Model)
	for _, m := range r.media() {
		pages += m.pages
	}
	if pages > limit {
		return refuse("pdf_pages", "limit", limit)
	}
	return nil
}
