// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Webhook lets Harbor tell the operator of what happens in it. What it tells
// is a hint: what is written into the lists is always read from Harbor.
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode == 'Off' || has(self.secretRef)",message="is needed to tell Harbor's requests from anybody else's: name a Secret whose key authorization holds the value of their Authorization header",fieldPath=".secretRef"
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode != 'Register' || has(self.url)",message="is needed for mode Register: the address under which Harbor reaches the operator's webhook receiver",fieldPath=".url"
type Webhook struct {
	// mode Off: no webhook. Receive: the receiver takes the requests of webhook
	// policies that somebody has made in Harbor. Register: the operator keeps one
	// policy in each selected project; that needs the rights to read, create,
	// update and delete notification policies there.
	// +optional
	// +default="Off"
	Mode WebhookMode `json:"mode,omitempty"`

	// url under which Harbor reaches the operator's webhook receiver, like
	// https://inventory.example.com. The policy's own address is this, followed
	// by /v1/ and the inventory's namespace and name.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="isURL(self) && !self.contains(' ') && !self.contains('@') && !self.matches('[?#]') && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="must be an http or https URL without credentials, query and fragment, like https://inventory.example.com"
	URL string `json:"url,omitempty"`

	// secretRef names a Secret in the inventory's namespace. Its key authorization
	// holds what Harbor sends as the Authorization header; the key previous, if
	// there, is accepted too, for the time of a rotation. Harbor shows the value
	// to everybody who may read the policy: use it for nothing else.
	// +optional
	SecretRef *LocalObjectReference `json:"secretRef,omitempty"`
}

// WebhookMode says what is done about webhooks.
// +kubebuilder:validation:Enum=Off;Receive;Register
type WebhookMode string

const (
	// WebhookOff takes no webhooks.
	WebhookOff WebhookMode = "Off"
	// WebhookReceive takes those of policies that others made.
	WebhookReceive WebhookMode = "Receive"
	// WebhookRegister makes the policies, too.
	WebhookRegister WebhookMode = "Register"
)

const (
	// SecretKeyAuthorization is the key of the webhook's Secret that holds the
	// value of the Authorization header.
	SecretKeyAuthorization = "authorization"
	// SecretKeyPrevious holds the value that was in use before.
	SecretKeyPrevious = "previous"
)

// FinalizerWebhook keeps an inventory until its webhook policies are gone from
// Harbor.
const FinalizerWebhook = "harborinventory.io/webhook"
