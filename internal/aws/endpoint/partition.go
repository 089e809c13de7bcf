package endpoint

import (
	"fmt"
	"strings"
)

// A Partition is a part of AWS with accounts, Regions and names of its own.
type Partition struct {
	ID                 string // as in an ARN: "aws", "aws-us-gov"
	DNSSuffix          string // "amazonaws.com"
	DualStackDNSSuffix string // "api.aws"

	prefix string // of its Regions
}

// partitions are those of aws-sdk-go-v2 v1.47.6 (2026-11), internal/endpoints/awsrulesfn/partitions.json; the
// first one takes all Regions that no other claims, as AWS's own rules have it.
var partitions = [...]Partition{
	{ID: "aws", DNSSuffix: "amazonaws.com", DualStackDNSSuffix: "api.aws"},
	{ID: "aws-cn", DNSSuffix: "amazonaws.com.cn", DualStackDNSSuffix: "api.amazonwebservices.com.cn", prefix: "cn-"},
	{ID: "aws-eusc", DNSSuffix: "amazonaws.eu", DualStackDNSSuffix: "api.amazonwebservices.eu", prefix: "eusc-"},
	{ID: "aws-iso", DNSSuffix: "c2s.ic.gov", DualStackDNSSuffix: "api.aws.ic.gov", prefix: "us-iso-"},
	{ID: "aws-iso-b", DNSSuffix: "sc2s.sgov.gov", DualStackDNSSuffix: "api.aws.scloud", prefix: "us-isob-"},
	{ID: "aws-iso-e", DNSSuffix: "cloud.adc-e.uk", DualStackDNSSuffix: "api.cloud-aws.adc-e.uk", prefix: "eu-isoe-"},
	{ID: "aws-iso-f", DNSSuffix: "csp.hci.ic.gov", DualStackDNSSuffix: "api.aws.hci.ic.gov", prefix: "us-isof-"},
	{ID: "aws-us-gov", DNSSuffix: "amazonaws.com", DualStackDNSSuffix: "api.aws", prefix: "us-gov-"},
}

// PartitionOf returns the partition of a Region, known today or not, or CheckRegion's error.
func PartitionOf(region string) (Partition, error) {
	if err := CheckRegion(region); err != nil {
		return Partition{}, err
	}
	return partitionOf(region), nil
}

func partitionOf(region string) Partition {
	for _, p := range partitions[1:] {
		if strings.HasPrefix(region, p.prefix) {
			return p
		}
	}
	return partitions[0]
}

// maxRegion is the length of the longest label that DNS takes.
const maxRegion = 63

// CheckRegion returns an error if region does not have the form of a Region's name: two to four words of
// lower-case letters and a number, joined by hyphens, as in "us-east-1" and "eusc-de-east-1". It does not say
// whether there is such a Region. What passes is one label of a host name and cannot lead a request elsewhere.
func CheckRegion(region string) error {
	if !validRegion(region) {
		return fmt.Errorf("not a Region: %.64q (one looks like us-east-1)", region)
	}
	return nil
}

func validRegion(region string) bool {
	if len(region) > maxRegion {
		return false
	}
	words := strings.Split(region, "-")
	last := len(words) - 1
	if last < 2 || last > 4 || words[0] == "fips" { // "fips-us-east-1" is an old name for FIPS in us-east-1
		return false
	}
	for _, word := range words[:last] {
		if len(word) < 2 || !within(word, 'a', 'z') {
			return false
		}
	}
	number := words[last]
	return (len(number) == 1 || len(number) == 2) && within(number, '0', '9')
}

func within(s string, low, high byte) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < low || s[i] > high {
			return false
		}
	}
	return true
}
