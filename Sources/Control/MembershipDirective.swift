// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What the shell is to do, in order.
package enum MembershipDirective: Sendable, Equatable {
    /// Tell every stage of the plan what it runs from now on.
    case assign(epoch: UInt32, Plan)
    /// Every stage of the plan is ready: steps may be sent.
    case pipelineUp(epoch: UInt32)
    /// No step of the current epoch may be sent any more, and what is in flight is lost. `lost`
    /// names the dead worker; nil when an idle pipeline makes way for a new plan.
    case pipelineDown(lost: String?)
    /// Turn the joining worker away. For a node that is a member already this concerns the new
    /// link only.
    case refuse(node: NodeID, reason: String)
    /// Close the link of a member; it has been forgotten here.
    case disconnect(node: NodeID, reason: String)
}

/// Where the cluster stands, in one word.
package enum MembershipState: String, Sendable {
    /// No plan yet.
    case starting
    /// A plan is being loaded.
    case loading
    /// The pipeline is up.
    case ready
    /// A worker was lost, and without it nothing can be served.
    case degraded
}
