//! Signals: monitors and links.

use std::cell::Cell;
use std::rc::Rc;

use greenroom::actor::{Exit, WatchConflict};
use greenroom::prelude::*;

use crate::harness::{Log, case};
use crate::scripted::{Script, inside, script, scripted};
use crate::worker::{ENDS, End, Knobs, worker};

/// **R1.6, D1** A monitor tells the end of an actor once, with exactly its reason.
#[test]
fn sig_01_monitor_reasons() {
    case(async |test| {
        for end in ENDS {
            let log = Log::new();
            let watcher = scripted("watcher", &log);
            let target = test
                .spawn(child("target", worker("target", &log, &Knobs::new())).restart(Temporary))
                .await
                .unwrap();
            inside(test, watcher, move |cx| {
                cx.monitor(target.id());
            })
            .await;
            log.take();
            target.tell(end).await.unwrap();
            test.settle().await;
            let downs: Vec<String> =
                log.take().into_iter().filter(|entry| entry.starts_with("watcher")).collect();
            assert_eq!(downs, [format!("watcher down {}", end.reason())], "{end:?}");
            test.settle().await;
            assert!(log.take().is_empty(), "once");
        }
    });
}

/// **R1.6** Monitoring an actor that has ended, or never was, tells so once, and not from inside
/// the call.
#[test]
fn sig_02_monitor_the_dead() {
    case(async |test| {
        let log = Log::new();
        let (watcher, dead) = (scripted("watcher", &log), scripted("dead", &log));
        dead.stop();
        dead.ended().await;
        let during = log.clone();
        inside(test, watcher, move |cx| {
            cx.monitor(dead.id());
            during.add("asked");
        })
        .await;
        assert_eq!(log.take(), ["asked", "watcher down no such actor"]);

        // The address of an actor that never began: its loop was closing.
        let never = {
            let event_loop = greenroom::EventLoop::builder().virtual_clock(0);
            let other = System::builder().event_loop(event_loop).signals(false);
            let addr = other.run(async |_| scripted("elsewhere", &Log::new()).id());
            addr.expect("it runs")
        };
        inside(test, watcher, move |cx| {
            cx.monitor(never);
        })
        .await;
        assert_eq!(log.take(), ["watcher down no such actor"]);
    });
}

/// **R1.6** Two monitors on one actor tell its end twice, and not a third time.
#[test]
fn sig_03_two_monitors_two_downs() {
    case(async |test| {
        let log = Log::new();
        let (watcher, target) = (scripted("watcher", &log), scripted("target", &log));
        inside(test, watcher, move |cx| {
            assert_ne!(cx.monitor(target.id()), cx.monitor(target.id()));
        })
        .await;
        target.stop();
        test.settle().await;
        assert_eq!(log.take(), ["watcher down shutdown"; 2]);
        test.settle().await;
        assert!(log.take().is_empty());
    });
}

/// **R1.7** A monitor that was taken back is silent, also when its notice stood in the mailbox;
/// others go on, and an unknown one changes nothing.
#[test]
fn sig_04_disposed_monitor_silent() {
    case(async |test| {
        let log = Log::new();
        let (watcher, target) = (scripted("watcher", &log), scripted("target", &log));
        inside(test, watcher, move |cx| {
            let (first, second) = (cx.monitor(target.id()), cx.monitor(target.id()));
            assert!(cx.demonitor(first) && cx.demonitor(second));
            assert!(!cx.demonitor(first), "taken back twice");
        })
        .await;
        target.stop();
        test.settle().await;
        assert!(log.take().is_empty());

        // Flush: the notice is in the mailbox when the monitor is taken back.
        let target = scripted("target", &log);
        let monitors = Rc::new(Cell::new(None));
        let made = Rc::clone(&monitors);
        inside(test, watcher, move |cx| {
            made.set(Some((cx.monitor(target.id()), cx.monitor(target.id()))));
        })
        .await;
        watcher.id().suspend();
        target.stop();
        test.settle().await;
        assert_eq!(watcher.id().info().unwrap().waiting, 2, "both notices wait");
        let flush = Script::job(move |cx| {
            assert!(!cx.demonitor(monitors.get().unwrap().0), "it had fired");
        });
        watcher.try_tell_urgent(flush).unwrap();
        watcher.id().resume();
        test.settle().await;
        assert_eq!(log.take(), ["watcher down shutdown"; 2], "without a lane it came too late");

        let lane = MailboxOptions::default().urgent(1);
        let watcher = crate::scripted::scripted_with("watcher", lane, &log);
        let target = scripted("target", &log);
        let monitors = Rc::new(Cell::new(None));
        let made = Rc::clone(&monitors);
        inside(test, watcher, move |cx| {
            made.set(Some((cx.monitor(target.id()), cx.monitor(target.id()))));
        })
        .await;
        watcher.id().suspend();
        target.stop();
        test.settle().await;
        let flush = Script::job(move |cx| {
            assert!(!cx.demonitor(monitors.get().unwrap().0), "it had fired");
        });
        watcher.try_tell_urgent(flush).unwrap();
        watcher.id().resume();
        test.settle().await;
        assert_eq!(log.take(), ["watcher down shutdown"], "only the other one");
    });
}

/// **R1.2** A link carries the end to the partner, once: it ends with the same reason, unless the
/// reason is normal or it traps.
#[test]
fn sig_05_link_rules() {
    case(async |test| {
        let log = Log::new();
        let linked = async |name: &'static str| {
            let (a, b) = (scripted("a", &log), scripted(name, &log));
            inside(test, a, move |cx| {
                cx.link(b.id()).unwrap();
                cx.link(b.id()).unwrap();
            })
            .await;
            (a, b)
        };
        let (a, b) = linked("b").await;
        inside(test, b, |cx| cx.stop()).await;
        assert!(a.is_alive() && !b.is_alive(), "a normal end is ignored");

        let (a, b) = linked("b").await;
        let ((), ended) =
            futures::join!(async { b.tell(Script::Fail("disk")).await.unwrap() }, a.ended());
        assert_eq!(ended, ExitReason::Error("disk".into()));

        // In the other direction too: it is one link with two ends.
        let (a, b) = linked("b").await;
        let ((), ended) = futures::join!(async { a.tell(Script::Panic).await.unwrap() }, b.ended());
        assert_eq!(ended, ExitReason::Panicked("told to".into()));

        let (a, b) = linked("b").await;
        inside(test, a, |cx| cx.trap_exits_with(Script::Exit)).await;
        b.tell(Script::Fail("disk")).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["a exit error: disk"], "linked twice, told once");
        assert!(a.is_alive());

        let (a, b) = linked("b").await;
        inside(test, a, move |cx| cx.unlink(b.id())).await;
        b.tell(Script::Fail("disk")).await.unwrap();
        test.settle().await;
        assert!(a.is_alive() && !b.is_alive(), "unlinked");
    });
}

/// **R1.3, D6** Through a chain of links the reason of a kill stays `Killed` and can be trapped; so
/// can the end of an actor whose error is only named so.
#[test]
fn sig_06_kill_chain() {
    case(async |test| {
        for (end, expected) in
            [(End::Kill, "first exit killed"), (End::Crash, "first exit error: kill")]
        {
            let log = Log::new();
            let first = scripted("first", &log);
            inside(test, first, |cx| cx.trap_exits_with(Script::Exit)).await;
            let mut line = vec![first];
            for _ in 1..10 {
                let (next, last) = (scripted("next", &log), line[line.len() - 1]);
                inside(test, next, move |cx| cx.link(last.id()).unwrap()).await;
                line.push(next);
            }
            match end {
                End::Kill => line[9].kill(),
                _ => line[9].tell(Script::Fail("kill")).await.unwrap(),
            }
            test.settle().await;
            assert_eq!(log.take(), [expected]);
            assert!(first.is_alive());
            assert!(line[1..].iter().all(|addr| !addr.is_alive()));
        }
    });
}

/// **R1.4** An exit signal `Normal` does nothing to another actor, and ends the one that sends it
/// to itself.
#[test]
fn sig_07_exit_normal_to_other_is_noop() {
    case(async |test| {
        let log = Log::new();
        let (a, b) = (scripted("a", &log), scripted("b", &log));
        inside(test, a, move |_| b.id().send_exit(ExitReason::Normal)).await;
        assert!(a.is_alive() && b.is_alive());
        let ((), ended) = futures::join!(
            async {
                a.tell(Script::job(|cx| cx.id().send_exit(ExitReason::Normal))).await.unwrap()
            },
            a.ended()
        );
        assert_eq!(ended, ExitReason::Normal);
        assert!(b.is_alive());
    });
}

/// **R1.5** A link to an actor that has ended tells so once; one that does not trap ends with it.
#[test]
fn sig_08_link_to_dead() {
    case(async |test| {
        let log = Log::new();
        let (traps, plain, dead) =
            (scripted("traps", &log), scripted("plain", &log), scripted("dead", &log));
        dead.stop();
        dead.ended().await;
        inside(test, traps, move |cx| {
            cx.trap_exits_with(Script::Exit);
            cx.link(dead.id()).unwrap();
        })
        .await;
        assert_eq!(log.take(), ["traps exit no such actor"]);
        let linking = async { inside(test, plain, move |cx| cx.link(dead.id()).unwrap()).await };
        let (ended, ()) = futures::join!(plain.ended(), linking);
        assert_eq!(ended, ExitReason::NoActor);
    });
}

#[derive(PartialEq)]
enum Watch {
    Do(Rc<Watching>),
    Gone(&'static str),
}
impl Protocol for Watch {}

struct Watching {
    target: ActorId,
    job: fn(&Cx<Watch>, ActorId),
}
impl PartialEq for Watching {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target
    }
}

/// **R1.9** A watch brings its own message once; the same again changes nothing, another is an
/// error, and after an unwatch it is not.
#[test]
fn sig_09_watch_with() {
    case(async |test| {
        type Step = (fn(&Cx<Watch>, ActorId), &'static [&'static str]);
        let steps: [Step; 7] = [
            (|cx, target| cx.watch(target, Watch::Gone("x")).unwrap(), &["x"]),
            (
                |cx, target| {
                    cx.watch(target, Watch::Gone("x")).unwrap();
                    cx.watch(target, Watch::Gone("x")).unwrap();
                },
                &["x"],
            ),
            (
                |cx, target| {
                    cx.watch(target, Watch::Gone("x")).unwrap();
                    let refused = cx.watch(target, Watch::Gone("y"));
                    assert_eq!(refused, Err(WatchConflict { actor: target }));
                },
                &["x"],
            ),
            (
                |cx, target| {
                    cx.watch(target, Watch::Gone("x")).unwrap();
                    assert!(cx.unwatch(target));
                    cx.watch(target, Watch::Gone("y")).unwrap();
                },
                &["y"],
            ),
            (
                |cx, target| {
                    cx.watch(target, Watch::Gone("x")).unwrap();
                    assert!(cx.unwatch(target));
                },
                &[],
            ),
            (|cx, target| assert!(!cx.unwatch(target)), &[]),
            (
                |cx, target| {
                    // A monitor beside it is another matter.
                    cx.watch(target, Watch::Gone("x")).unwrap();
                    cx.monitor_with(target, |_| Watch::Gone("monitor"));
                },
                &["x", "monitor"],
            ),
        ];
        for (step, (job, expected)) in steps.into_iter().enumerate() {
            let log = Log::new();
            let (target, noted) = (scripted("target", &log), log.clone());
            let watcher = greenroom::actor::spawn("watcher", async move |cx: &mut Cx<Watch>| {
                loop {
                    match cx.recv().await {
                        Watch::Do(watching) => (watching.job)(cx, watching.target),
                        Watch::Gone(what) => noted.add(what),
                    }
                }
                #[expect(unreachable_code, reason = "the loop has no end of its own")]
                Ok::<(), Fault>(())
            });
            let watching = Rc::new(Watching { target: target.id(), job });
            watcher.tell(Watch::Do(watching)).await.unwrap();
            test.settle().await;
            target.kill();
            test.settle().await;
            assert_eq!(log.take(), expected, "step {step}");
            assert!(watcher.is_alive());
        }
    });
}

/// **R1.6** A watcher that ends first hears nothing and leaves nothing behind with the watched.
#[test]
fn sig_11_watcher_dies_first() {
    case(async |test| {
        let log = Log::new();
        let (a, b) = (scripted("a", &log), scripted("b", &log));
        let dropped = Rc::new(());
        let held = Rc::downgrade(&dropped);
        inside(test, a, move |cx| {
            cx.monitor_with(b.id(), move |down| {
                drop(dropped);
                Script::Down(down)
            });
            cx.link(b.id()).unwrap();
            cx.unlink(b.id());
        })
        .await;
        assert!(held.upgrade().is_some(), "b holds the monitor");
        inside(test, a, |cx| cx.stop()).await;
        assert!(!a.is_alive());
        assert!(held.upgrade().is_none(), "b holds nothing of a any more");
        b.kill();
        test.settle().await;
        assert!(log.take().is_empty());
        assert_eq!(test.letters().len(), 0, "and no notice got lost on the way");
    });
}

/// **R1.2, R3.9** A stranger that links itself to a supervisor and crashes is no child: nothing is
/// restarted, and no budget is spent.
#[test]
fn sup_32_stranger_exit_ignored() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let tree = Supervisor::one_for_one()
            .intensity(1, crate::harness::secs(60))
            .child(child("c", async move |cx: &mut Cx<Script>| script("c", cx, &noted).await))
            .start(test)
            .await
            .unwrap();
        let worker = tree.child::<Script>("c").await.unwrap();
        let stranger = scripted("stranger", &log);
        inside(test, stranger, move |cx| cx.link(tree.id()).unwrap()).await;
        stranger.tell(Script::Fail("disk")).await.unwrap();
        test.settle().await;
        assert!(!stranger.is_alive() && tree.id().is_alive());
        assert_eq!(worker.id().info().unwrap().incarnation, 0);
        // The whole budget of one is still there.
        worker.tell(Script::Fail("mine")).await.unwrap();
        assert_eq!(worker.ask_with(|reply| Script::Echo(1, reply)).await.unwrap(), 1);
        assert!(tree.id().is_alive());
    });
}

/// So that the type is known to be nameable.
const _: fn(Exit) -> ExitReason = |exit| exit.reason;
