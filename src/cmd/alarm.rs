//! `alarm`: what members have raised, such as a database without space.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::proto::AlarmResponse;
use crate::reply::{Answer, Reply};

/// List and clear alarms
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl alarm COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Alarm,
}

#[derive(Debug, clap::Subcommand)]
enum Alarm {
    /// Clear all alarms
    #[command(override_usage = "etcdctl alarm disarm")]
    Disarm { none: Vec<String> },
    /// Print the active alarms
    #[command(override_usage = "etcdctl alarm list")]
    List { none: Vec<String> },
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let (name, none) = match &args.command {
        Alarm::Disarm { none } => ("disarm", none),
        Alarm::List { none } => ("list", none),
    };
    if !none.is_empty() {
        return Err(Error::bad_args(format!("alarm {name} command accepts no arguments")));
    }
    let cluster = cx.cluster_for(&Format::WITHOUT_RAW).await?;
    let mut answer = cluster.alarms().await?;
    if let Alarm::Disarm { .. } = args.command {
        // One by one; what is shown are the alarms that are gone, under no header.
        let mut disarmed = AlarmResponse::default();
        for alarm in &answer.message.alarms {
            let cleared = cluster.disarm(alarm.member_id, alarm.alarm).await?;
            disarmed.alarms.extend(cleared.message.alarms);
        }
        let bytes = prost::Message::encode_to_vec(&disarmed).into();
        answer = Answer { message: disarmed, bytes };
    }
    cx.print(&Reply::Alarms(answer))
}
