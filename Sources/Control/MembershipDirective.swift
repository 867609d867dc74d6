// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What the shell is to do, in order.
package enum MembershipDirective: Sendable, Equatable {
    /// Tell every stage of the plan which blobs it will need; the present plan goes on serving.
    /// `reason` says what is in its way, where nobody came or is to go.
    case prepare(epoch: UInt32, Plan, reason: String?)
    /// The plan that was being prepared will never serve. Workers need not hear of it: they are
    /// shipped nothing more for it.
    case abandon(epoch: UInt32, reason: String)
    /// Tell every stage of the plan what it runs from now on, and all others that they run none.
    case assign(epoch: UInt32, Plan)
    /// Tell all members that they run no stage: the plan that was is over, and none follows.
    case rest(epoch: UInt32)
    /// Every stage of the plan is ready: steps may be sent.
    case pipelineUp(epoch: UInt32)
    /// No step of the current epoch may be sent any more, and what is in flight is lost. `reason`
    /// says which worker is gone and how, or that the pipeline makes way for a prepared plan;
    /// `isLoss` unless it was somebody's will.
    case pipelineDown(reason: String, isLoss: Bool)
    /// Turn the joining worker away. For a node that is a member already this concerns the new
    /// link only.
    case refuse(node: NodeID, reason: String)
    /// Close the link of a member; it has been forgotten here.
    case disconnect(node: NodeID, reason: String)
    /// Tell a leaving worker that it may go; it has been forgotten here.
    case release(node: NodeID)
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

/// What a member is doing, in one word.
package enum MemberRole: String, Sendable {
    /// It has a stage of the present plan.
    case serving
    /// It has none, but will have one of the next plan.
    case preparing
    /// Its layers are to move elsewhere, then it goes.
    case draining
    /// It has nothing to do.
    case spare
}
