// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

// ScanOverview is the summary of a vulnerability scan.
type ScanOverview struct {
	Status, Severity string
	Scanner          string // name and version
	Total, Fixable   int64
	BySeverity       map[string]int64
}

// SBOMOverview tells of the SBOM that Harbor generated. Of an index it has no digest.
type SBOMOverview struct{ Digest, Status string }

// maxSeverities bounds ScanOverview.BySeverity; Harbor has 7.
const maxSeverities = 16

// decodeScans keeps the report of the current type, or whichever is there.
func decodeScans(d *decoder, a *Artifact) error {
	current := false
	return d.object(func(name string) error {
		if current || d.PeekKind() != '{' {
			return d.skip()
		}
		var scan ScanOverview
		if err := decodeScan(d, &scan); err != nil {
			return err
		}
		current = name == reportType
		if a.Scan == nil || current {
			a.Scan = &scan
		}
		return nil
	})
}

func decodeScan(d *decoder, s *ScanOverview) error {
	return d.object(func(name string) error {
		switch name {
		case "scan_status":
			return d.name(&s.Status)
		case "severity":
			return d.name(&s.Severity)
		case "scanner":
			return decodeScanner(d, s)
		case "summary":
			return decodeSummary(d, s)
		default:
			return d.skip()
		}
	})
}

func decodeScanner(d *decoder, s *ScanOverview) error {
	var scanner, version string
	err := d.object(func(name string) error {
		switch name {
		case "name":
			return d.name(&scanner)
		case "version":
			return d.name(&version)
		default:
			return d.skip()
		}
	})
	if scanner != "" && version != "" {
		scanner += " "
	}
	s.Scanner = d.texts.share([]byte(scanner + version))
	return err
}

func decodeSummary(d *decoder, s *ScanOverview) error {
	return d.object(func(name string) error {
		switch name {
		case "total":
			return d.number(&s.Total)
		case "fixable":
			return d.number(&s.Fixable)
		case "summary":
			return d.object(func(severity string) error {
				if d.PeekKind() != '0' || len(s.BySeverity) >= maxSeverities || len(severity) > maxSharedBytes {
					return d.skip()
				}
				if s.BySeverity == nil {
					s.BySeverity = map[string]int64{}
				}
				var n int64
				err := d.number(&n)
				s.BySeverity[severity] = n
				return err
			})
		default:
			return d.skip()
		}
	})
}

func decodeSBOM(d *decoder, a *Artifact) error {
	var sbom SBOMOverview
	err := d.object(func(name string) error {
		switch name {
		case "sbom_digest":
			return d.text(&sbom.Digest)
		case "scan_status":
			return d.name(&sbom.Status)
		default:
			return d.skip()
		}
	})
	if sbom != (SBOMOverview{}) {
		a.SBOM = &sbom
	}
	return err
}
