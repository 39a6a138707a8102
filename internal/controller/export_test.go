// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import "time"

// What Harbor writes late in real use would only make the tests slow.
func init() { auditLag = 2 * time.Second }
